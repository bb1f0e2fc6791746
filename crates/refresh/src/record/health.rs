//! What failures leave in a record.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{id::Id, instant::WallMillis};

/// What the token endpoint thinks of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nothing is wrong with it.
    Alive,
    /// It was refused for good.
    Dead(Cause),
    /// It is refused without a reason, and a login is asked for; it is still presented now and
    /// then.
    Suspect(Cause),
    /// The client was refused, with these configurations, named by digests. The refresh token is
    /// kept.
    Misconfigured(#[serde(deserialize_with = "super::wire::one_or_many")] Vec<Id>),
}

/// Why an account needs a new login.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The provider refused the refresh token; the text is its `error` code, where it gave one.
    Refused(Option<String>),
    /// The answer to an earlier presentation was lost, and the provider now refuses the token: it
    /// was spent.
    ResponseLost,
    /// The provider refused repeatedly without a reason. Only records of earlier versions say so.
    Unexplained,
    /// There is no refresh token, and the access token has expired.
    NoRefreshToken,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Some(code)) => write!(f, "refresh token refused ({code})"),
            Self::Refused(None) => f.write_str("refresh token refused"),
            Self::ResponseLost => f.write_str("refresh response lost"),
            Self::Unexplained => f.write_str("refused repeatedly without a reason"),
            Self::NoRefreshToken => f.write_str("no refresh token"),
        }
    }
}

/// Failures in a row.
///
/// The pause is a duration: each process counts it from when it first saw the record, so a wrong
/// clock delays no process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// How long to wait after the last one, in milliseconds.
    pub pause: u64,
    /// The server asked for the pause, or may still be at work: nothing cuts it short.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub firm: bool,
    /// When the first refusal without a reason came, by the wall clock of its process: for people,
    /// nothing is decided by it.
    pub refused_since: Option<WallMillis>,
    /// The pauses after refusals without a reason, added up, in milliseconds.
    pub refused_for: u64,
}

impl Failures {
    pub(crate) const NONE: Self = Self {
        count: 0,
        pause: 0,
        firm: false,
        refused_since: None,
        refused_for: 0,
    };

    /// Whether there were none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}
