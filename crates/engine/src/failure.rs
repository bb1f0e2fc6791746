//! Why a refresh failed.

use std::time::SystemTime;

use tokenkeeper_refresh::{FailureClass, LastFailure, Reason, WallMillis};

use crate::clock::system_time;

/// A failed refresh, as events and the status of an account report it. It has nothing of the
/// response but a listed error code.
///
/// [`EventKind`](crate::EventKind) has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshFailure {
    /// The class of the failure.
    pub class: FailureClass,
    /// The OAuth error code of the response, if it has one; `unlisted` stands for a code that is
    /// neither registered nor named by the dialect, which could be anything.
    pub code: Option<String>,
    /// When the first of the failures in a row came, by the clock of the process that asked.
    pub since: SystemTime,
    /// When the last one came, by the clock of the process that asked.
    pub at: SystemTime,
}

impl RefreshFailure {
    pub(crate) fn new(failure: LastFailure, at: WallMillis) -> Self {
        Self {
            class: failure.class,
            code: failure.code,
            since: system_time(failure.since),
            at: system_time(at),
        }
    }
}

impl From<Reason> for RefreshFailure {
    fn from(reason: Reason) -> Self {
        Self::new(reason.failure, reason.at)
    }
}
