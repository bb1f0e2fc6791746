//! What a record keeps of the last failed refresh.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::instant::WallMillis;

/// The last failed refresh of a token set. It is for people: no decision depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LastFailure {
    /// The class of the failure.
    pub class: FailureClass,
    /// The OAuth error code of the response, if it has one; `unlisted` stands for a code that is
    /// not safe to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When the first of the failures in a row came, by the wall clock of its process.
    pub since: WallMillis,
}

/// The class of a failed token request, which decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// Nothing was sent, or the server is busy: the engine retries with a backoff.
    Transient,
    /// The request was cut, it timed out, or its answer cannot be read: the server may have
    /// redeemed the token. The engine presents it again, once at a time.
    Ambiguous,
    /// The grant is refused for good: the account needs a new login.
    Terminal,
    /// Refused without a usable reason: the engine retries with growing pauses.
    Unexplained,
    /// The client is refused, or the request cannot be built: the configuration is at fault.
    Configuration,
}

impl FailureClass {
    /// Returns its name, for labels: `transient`, `ambiguous`, `terminal`, `unexplained` or
    /// `configuration`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Ambiguous => "ambiguous",
            Self::Terminal => "terminal",
            Self::Unexplained => "unexplained",
            Self::Configuration => "configuration",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
