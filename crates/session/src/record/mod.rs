//! What the store keeps for an account, as the refresh protocol sees it.
//!
//! The protocol decides by authorization, generation, health and attempt alone; the tokens are a payload `T` that it carries and
//! never looks into, but for a digest of the refresh token.

mod codec;
mod order;

pub(crate) use codec::{Held, Terms, decode, encode};
pub(crate) use order::{Winner, is_unknown_to_tombstone, judge, merge_login};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, by the wall clock of whoever wrote them.
pub(crate) type WallMillis = u64;

/// The tokens, as far as the protocol cares.
pub(crate) trait Tokens: Clone {
    /// A short digest of the refresh token; `None` when there is none.
    fn refresh_digest(&self) -> Option<u64>;

    /// Whether there is one: cheaper than its digest.
    fn has_refresh_token(&self) -> bool {
        self.refresh_digest().is_some()
    }
}

/// One login of an account. The higher number is the newer login; the id tells two apart that drew the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) number: u64,
    #[serde(with = "codec::hex")]
    pub(crate) id: u128,
}

/// What the store keeps for an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Record<T> {
    pub(crate) state: State<T>,
    /// A code exchange under way. The state stays as it is until the new tokens are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<Login>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State<T> {
    /// No login was ever finished.
    Empty,
    Live(Live<T>),
    /// Disconnected: a tombstone.
    Ended(Tombstone<T>),
}

/// A token set and everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Live<T> {
    pub(crate) authorization: Authorization,
    /// Counts the token sets of this authorization, from 1.
    pub(crate) generation: u64,
    /// Which presentation of the refresh token before this one brought these tokens; 0 for a code exchange.
    pub(crate) born_of: u32,
    pub(crate) tokens: T,
    /// How often this generation's refresh token was presented, the attempt under way included.
    pub(crate) presented: u32,
    /// A presentation of it has no answer: a refusal may only mean that its answer was lost.
    pub(crate) unanswered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<Attempt>,
    pub(crate) health: Health,
    pub(crate) failures: Failures,
}

/// One redemption, written down before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Attempt {
    #[serde(with = "codec::hex")]
    pub(crate) id: u128,
    /// An incarnation of a process. Nothing is decided by it: it tells an operator for whom the others wait.
    #[serde(with = "codec::hex")]
    pub(crate) holder: u128,
    /// How long others leave it alone, in milliseconds.
    pub(crate) lease: u64,
    /// Of the refresh token that it presents; 0 for a code. Nothing is decided by it: it tells whoever looks into a store, or into a
    /// backup of it, which token was sent.
    pub(crate) digest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) authorization: Authorization,
    pub(crate) attempt: Attempt,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    Alive,
    /// The token endpoint refused the refresh token for good.
    Dead(Cause),
    /// The token endpoint refused the client; the digest is that of the configuration it refused.
    Misconfigured(#[serde(with = "codec::hex")] u128),
}

/// Why an account needs a new login.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The provider refused the refresh token; the text is its `error` code, where it gave one.
    Refused(Option<String>),
    /// The answer to an earlier presentation was lost on its way, and the provider now refuses the token: it was spent.
    ResponseLost,
    /// The provider refused three times over ten minutes or more, without a reason.
    Unexplained,
    /// There is no refresh token, and the access token has ended.
    NoRefreshToken,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(Some(code)) => write!(f, "refresh token refused ({code})"),
            Self::Refused(None) => f.write_str("refresh token refused"),
            Self::ResponseLost => f.write_str("refresh response lost"),
            Self::Unexplained => f.write_str("refused repeatedly without a reason"),
            Self::NoRefreshToken => f.write_str("no refresh token"),
        }
    }
}

/// Failures of this generation, shared by all processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Failures {
    pub(crate) count: u32,
    /// Nobody presents the token before this.
    pub(crate) not_before: WallMillis,
    pub(crate) unexplained: u32,
    pub(crate) unexplained_since: WallMillis,
}

impl Failures {
    /// Until when the token is not presented, as of `wall`.
    ///
    /// No failure is noted for longer than a day: what is much further off was written under a clock that is wrong, and would lock the
    /// account for as long.
    pub(crate) fn put_off_until(&self, wall: WallMillis) -> Option<WallMillis> {
        let put_off = self.not_before > wall && self.not_before <= wall + 2 * DAY;
        put_off.then_some(self.not_before)
    }
}

pub(crate) const DAY: WallMillis = 24 * 60 * 60 * 1000;

/// A disconnect: the number of the authorization that it ended, and the tokens still to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Tombstone<T> {
    pub(crate) authorization: Authorization,
    pub(crate) generation: u64,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub(crate) revoke: Option<T>,
}

impl<T> Record<T> {
    pub(crate) fn empty() -> Self {
        Self {
            state: State::Empty,
            login: None,
        }
    }

    pub(crate) fn live(&self) -> Option<&Live<T>> {
        match &self.state {
            State::Live(live) => Some(live),
            State::Empty | State::Ended(_) => None,
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    pub(crate) fn authorization(&self) -> Option<Authorization> {
        match &self.state {
            State::Empty => None,
            State::Live(live) => Some(live.authorization),
            State::Ended(tombstone) => Some(tombstone.authorization),
        }
    }

    /// The tokens that are in use, or still to be revoked.
    pub(crate) fn unrevoked(&self) -> Option<&T> {
        match &self.state {
            State::Empty => None,
            State::Live(live) => Some(&live.tokens),
            State::Ended(tombstone) => tombstone.revoke.as_ref(),
        }
    }

    /// The highest authorization number that the record has seen, pending logins included.
    pub(crate) fn highest_number(&self) -> u64 {
        let held = self.authorization().map_or(0, |a| a.number);
        held.max(self.login.map_or(0, |l| l.authorization.number))
    }
}

impl<T> Live<T> {
    /// The first token set of a login.
    pub(crate) fn first(authorization: Authorization, tokens: T) -> Self {
        Self {
            authorization,
            generation: 1,
            born_of: 0,
            tokens,
            presented: 0,
            unanswered: false,
            attempt: None,
            health: Health::Alive,
            failures: Failures::default(),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.health, Health::Dead(_))
    }

    /// The token set that the presentation under way brought.
    pub(crate) fn next(&self, tokens: T) -> Self {
        Self {
            generation: self.generation + 1,
            born_of: self.presented,
            ..Self::first(self.authorization, tokens)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wrong_clock_put_off_is_not_believed() {
        let now = 1_800_000_000_000;
        let put_off = |not_before| {
            let failures = Failures {
                not_before,
                ..Failures::default()
            };
            failures.put_off_until(now)
        };
        assert_eq!(put_off(0), None);
        assert_eq!(put_off(now), None);
        assert_eq!(put_off(now + 1), Some(now + 1));
        // A day at most, and another's clock that is some hours ahead.
        assert_eq!(put_off(now + DAY + DAY / 4), Some(now + DAY + DAY / 4));
        assert_eq!(put_off(now + 365 * DAY), None);
    }
}
