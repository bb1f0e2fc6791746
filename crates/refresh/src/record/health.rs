//! The health and the failures of a refresh token, as a record keeps them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::Id,
    instant::{WallMillis, millis},
};

/// The token endpoint's last verdict on a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// The token works, as far as known.
    Alive,
    /// The token was refused permanently.
    Dead(Cause),
    /// The token is refused without a reason, and a login is required; it is still presented now
    /// and then.
    Suspect(Cause),
    /// The client was refused with these configurations (digests). The refresh token is kept.
    Misconfigured(#[serde(deserialize_with = "super::wire::one_or_many")] Vec<Id>),
}

/// Why an account needs a new login.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The provider refused the refresh token, with this `error` code if it gave one.
    Refused(Option<String>),
    /// The answer to an earlier presentation was lost, and the provider now refuses the spent
    /// token.
    ResponseLost,
    /// The provider refused repeatedly without a reason. Only records of earlier versions have this
    /// cause.
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

/// Consecutive failures, and the pause after the last one.
///
/// The pause is a duration: each process counts it from when it first saw the record, so a wrong
/// clock delays no process. A process that starts later, and may not live as long as the pause,
/// waits only for what the wall clock leaves of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    /// The number of failures.
    pub count: u32,
    /// The pause after the last failure, in milliseconds.
    pub pause: u64,
    /// The server asked for the pause, or may still be processing a request: it is never
    /// shortened.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub firm: bool,
    /// When the last failure was noted, by the wall clock of its process; 0: unknown.
    #[serde(skip_serializing_if = "is_zero")]
    pub noted: WallMillis,
    /// When the first refusal without a reason came, by the wall clock of its process. It is for
    /// people; no decision depends on it.
    pub refused_since: Option<WallMillis>,
    /// The sum of the pauses after refusals without a reason, in milliseconds.
    pub refused_for: u64,
}

impl Failures {
    pub(crate) const NONE: Self = Self {
        count: 0,
        pause: 0,
        firm: false,
        noted: 0,
        refused_since: None,
        refused_for: 0,
    };

    /// Returns what is left of the pause for a process that sees these failures for the first time.
    /// No clock prolongs a pause, and only a clock that is a day off ends a firm one early.
    pub(crate) fn left(&self, wall: WallMillis) -> Duration {
        let margin = if self.firm { millis(CLOCKS_APART) } else { 0 };
        let over = self.noted.saturating_add(self.pause).saturating_add(margin);
        let known = self.noted > 0 && self.noted <= wall;
        let left = if known {
            over.saturating_sub(wall)
        } else {
            self.pause
        };
        Duration::from_millis(left.min(self.pause))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

/// The clock skew between two processes up to which a firm pause does not end early.
const CLOCKS_APART: Duration = Duration::from_secs(24 * 60 * 60);

fn is_zero(millis: &WallMillis) -> bool {
    *millis == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is left, in seconds, of a one-minute pause that began at second 1,000.
    fn left(firm: bool, wall: u64) -> u64 {
        let failures = Failures {
            count: 1,
            pause: 60_000,
            firm,
            noted: 1_000_000,
            ..Failures::default()
        };
        failures.left(wall * 1000).as_secs()
    }

    #[test]
    fn a_pause_runs_on_while_no_process_does() {
        assert_eq!(
            [1000, 1045, 1060, 9999].map(|wall| left(false, wall)),
            [60, 15, 0, 0]
        );
    }

    #[test]
    fn a_clock_that_is_behind_prolongs_no_pause() {
        assert_eq!(left(false, 10), 60);
    }

    #[test]
    fn a_clock_less_than_a_day_off_keeps_a_firm_pause() {
        let day = 24 * 60 * 60;
        let walls = [1000, 1061, 1000 + day, 1059 + day, 1060 + day];
        assert_eq!(walls.map(|wall| left(true, wall)), [60, 60, 60, 1, 0]);
    }

    #[test]
    fn a_pause_of_an_earlier_version_counts_in_full() {
        let failures = Failures {
            count: 1,
            pause: 60_000,
            ..Failures::default()
        };
        assert_eq!(failures.left(5_000_000).as_secs(), 60);
    }
}
