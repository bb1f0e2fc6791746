//! The state that all handlers share.

use std::sync::Arc;

use http::request::Parts;
use tokenkeeper_engine::{Accounts, Advice, ConnectOptions, ErrorChain};

use crate::{callback_path::CallbackPath, failure::Failure, relay::UsedPages};

/// Names the signed-in person's account.
pub(crate) type Subject = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// The options of the routes, and the memory that the handlers keep between requests.
pub(crate) struct RouteContext {
    pub(crate) accounts: Accounts,
    pub(crate) subject: Subject,
    pub(crate) options: ConnectOptions,
    pub(crate) connected: String,
    pub(crate) disconnected: String,
    pub(crate) failed: Option<String>,
    pub(crate) callback_paths: Vec<Arc<CallbackPath>>,
    pub(crate) used_pages: UsedPages,
}

impl RouteContext {
    pub(crate) fn subject(&self, parts: &Parts) -> Option<String> {
        (self.subject)(parts)
    }

    pub(crate) fn callback_path(&self, path: &str) -> Option<&CallbackPath> {
        let mut all = self.callback_paths.iter();
        all.find(|known| known.path == path).map(AsRef::as_ref)
    }

    /// Logs an error and returns what the browser may see of it.
    pub(crate) fn log(&self, brand: &str, error: &tokenkeeper_engine::Error) -> Failure {
        let failure = Failure::from(error);
        let must_fix = error.advice() == Advice::FixConfiguration;
        let error = tracing::field::display(ErrorChain::of(error));
        if must_fix || failure.status.is_server_error() {
            tracing::warn!(
                provider = brand,
                failure = failure.code,
                error,
                "a login or disconnect failed"
            );
        } else {
            tracing::info!(
                provider = brand,
                failure = failure.code,
                error,
                "a login or disconnect was refused"
            );
        }
        failure.logged()
    }
}
