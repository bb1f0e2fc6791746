//! What all handlers share.

use std::sync::Arc;

use http::request::Parts;
use tokenkeeper_engine::Accounts;

use crate::{completed::Completed, failure::Failure, landing::Landing};

/// Names the account of the person who is signed in.
pub(crate) type Subject = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// The options of the routes, and what the handlers keep between requests.
pub(crate) struct RouteContext {
    pub(crate) accounts: Accounts,
    pub(crate) subject: Subject,
    pub(crate) connected: String,
    pub(crate) disconnected: String,
    pub(crate) failed: Option<String>,
    pub(crate) landings: Vec<Arc<Landing>>,
    pub(crate) completed: Completed,
}

impl RouteContext {
    pub(crate) fn subject(&self, parts: &Parts) -> Option<String> {
        (self.subject)(parts)
    }

    pub(crate) fn landing(&self, path: &str) -> Option<&Landing> {
        let mut landings = self.landings.iter();
        landings
            .find(|landing| landing.path == path)
            .map(AsRef::as_ref)
    }

    /// What the browser is told of an error; the rest is for the log.
    pub(crate) fn log(&self, brand: &str, error: &tokenkeeper_engine::Error) -> Failure {
        let failure = Failure::from(error);
        let error: &dyn std::error::Error = error;
        if failure.status.is_server_error() {
            tracing::warn!(
                provider = brand,
                failure = failure.code,
                error,
                "a login or disconnect failed"
            );
        } else {
            tracing::debug!(
                provider = brand,
                failure = failure.code,
                error,
                "a login or disconnect was refused"
            );
        }
        failure
    }
}
