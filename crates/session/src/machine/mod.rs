//! The refresh protocol as pure state machines: each takes what happened and says what to do next.
//!
//! No machine does I/O, reads a clock or draws a random number: all of that comes in with [`Input`] and [`Context`], and the
//! [driver](crate::engine) performs each [`Effect`]. So the same code can be explored step by step, with every failure at
//! every place.

#![allow(
    clippy::large_enum_variant,
    reason = "steps are moved once and never stored in numbers; boxing would hide that they are plain values"
)]

mod disconnect;
mod login;
mod note;
mod reconcile;
mod refresh;
mod validate;
mod watch;

use std::time::Duration;

use tokenkeeper_store::Version;

pub(crate) use disconnect::{Disconnect, DisconnectEnd};
pub(crate) use login::{Login, LoginEnd};
pub(crate) use reconcile::remember;
pub(crate) use refresh::{Failure, Refresh, RefreshEnd, RefreshOutcome};
pub(crate) use validate::{Validate, ValidateEnd};
pub(crate) use watch::{Sight, Watch};

use reconcile::{Reconciled, entomb, over, reconcile};

use crate::record::{Attempt, Record, WallMillis};

/// A machine of the protocol.
pub(crate) trait Machine<T> {
    type End;

    /// Takes what happened and says what is next.
    fn step(&mut self, input: Input<T>, cx: &Context) -> Step<T, Self::End>;

    /// An answer that is not in the store yet, to be served from memory where the store does not take it at once; or a tombstone that
    /// took tokens in, to be refused in any case.
    fn in_hand(&self) -> Option<&Record<T>> {
        None
    }

    /// A tombstone that is in the store, while its tokens are revoked: memory refuses the account however long that takes.
    fn ended(&self) -> Option<&Stored<T>> {
        None
    }
}

/// What a step may draw on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) wall: WallMillis,
    /// This process's monotonic clock.
    pub(crate) mono: Duration,
    /// A new random number, for an attempt or an authorization.
    pub(crate) id: u128,
    /// A new random version, for a write.
    pub(crate) version: Version,
    /// A new random fraction in `0.0..1.0`.
    pub(crate) roll: f64,
}

/// A moment on both clocks of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) struct Moment {
    wall: WallMillis,
    mono: Duration,
}

impl Context {
    fn now(&self) -> Moment {
        Moment {
            wall: self.wall,
            mono: self.mono,
        }
    }
}

impl Moment {
    /// The longer of what the two clocks show: the monotonic one may stand still while the machine sleeps, and the other may be set back.
    fn since(self, earlier: Self) -> Duration {
        let wall = Duration::from_millis(self.wall.saturating_sub(earlier.wall));
        wall.max(self.mono.saturating_sub(earlier.mono))
    }
}

/// A record with the version that it has in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) struct Stored<T> {
    pub(crate) version: Version,
    pub(crate) record: Record<T>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step<T, E> {
    Do(Effect<T>),
    End(E),
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) enum Effect<T> {
    /// Answered by [`Input::Found`] or [`Input::ReadFailed`].
    Read,
    /// Waits, then writes. Answered by [`Input::Wrote`].
    Write { after: Duration, write: Write<T> },
    /// Presents these tokens (or the code). Answered by [`Input::Answered`].
    Send(Option<T>),
    /// Watches another's attempt. Answered by [`Input::Found`] or [`Input::Lapsed`].
    Watch { stored: Stored<T>, lease: Duration },
    /// Revokes these tokens. Answered by [`Input::Revoked`].
    Revoke(T),
}

/// A write from one version to the next. Repeating it is harmless: at most one of the repeats can apply, and a conflict
/// with its own version shows that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) struct Write<T> {
    pub(crate) version: Version,
    pub(crate) expected: Option<Version>,
    /// `None` removes the record.
    pub(crate) record: Option<Record<T>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Input<T> {
    Start,
    Found(Option<Stored<T>>),
    ReadFailed,
    Wrote(Wrote<T>),
    Answered(Answer<T>),
    /// The watched version has stood for a whole lease.
    Lapsed(Stored<T>),
    /// Whether the revocation was answered.
    Revoked(bool),
}

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) enum Wrote<T> {
    Applied,
    Conflict(Option<Stored<T>>),
    /// It may have landed all the same.
    Failed,
}

/// What the token endpoint said, as far as the protocol cares.
#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) enum Answer<T> {
    Tokens(T),
    Transient { retry_after: Option<Duration> },
    Ambiguous,
    Terminal { code: Option<String> },
    Unexplained,
    Configuration,
}

/// The lengths and identities that the machines work with.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) struct Rules {
    /// This incarnation of this process.
    pub(crate) holder: u128,
    /// A digest of the client's configuration.
    pub(crate) configuration: u128,
    pub(crate) lease: Duration,
    pub(crate) deadline: Duration,
    /// Between the retries of a write.
    pub(crate) store_retry: Duration,
    pub(crate) backoff_first: Duration,
    pub(crate) backoff_most: Duration,
    /// The provider can revoke.
    pub(crate) revokes: bool,
    /// A revocation ends no other authorization of the account.
    pub(crate) revokes_alone: bool,
}

/// How often a write that only takes a lease or leaves a note is tried.
const TRIES: u32 = 3;

impl Rules {
    fn attempt(&self, id: u128, digest: u64) -> Attempt {
        Attempt {
            id,
            holder: self.holder,
            lease: millis(self.lease),
            digest,
        }
    }

    /// Whether enough of a lease whose write was first sent at `since` is left for a whole exchange.
    fn may_send(&self, since: Moment, now: Moment) -> bool {
        now.since(since) + self.deadline <= self.lease
    }

    /// Exponential with full jitter; a server's own word is a lower bound.
    fn backoff(&self, failures: u32, retry_after: Option<Duration>, roll: f64) -> Duration {
        let doubled = self
            .backoff_first
            .saturating_mul(1 << failures.saturating_sub(1).min(16))
            .min(self.backoff_most);
        let rolled = doubled.mul_f64(roll).max(self.backoff_first / 2);
        rolled.max(retry_after.unwrap_or_default())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl<T> Write<T> {
    fn now<E>(self) -> Step<T, E> {
        Step::Do(Effect::Write {
            after: Duration::ZERO,
            write: self,
        })
    }

    fn later<E>(self, after: Duration) -> Step<T, E> {
        Step::Do(Effect::Write { after, write: self })
    }
}

/// A conflict that shows our own version: an earlier send of the same write has landed.
fn landed<T>(wrote: Wrote<T>, write: &Write<T>) -> Wrote<T> {
    match wrote {
        Wrote::Conflict(Some(there)) if there.version == write.version => Wrote::Applied,
        // A removal that landed leaves nothing; one that did not apply to anything changed nothing.
        Wrote::Conflict(None) if write.record.is_none() => Wrote::Applied,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        holder: 1,
        configuration: 1,
        lease: Duration::from_secs(60),
        deadline: Duration::from_secs(30),
        store_retry: Duration::from_secs(1),
        backoff_first: Duration::from_secs(1),
        backoff_most: Duration::from_secs(300),
        revokes: true,
        revokes_alone: true,
    };

    #[test]
    fn nothing_is_sent_unless_the_lease_has_room_for_the_whole_deadline() {
        let at = |mono, wall| Moment {
            mono: Duration::from_millis(mono),
            wall,
        };
        let since = at(1_000_000, 1_800_000_000_000);
        let may_send = |mono: u64, wall| RULES.may_send(since, at(1_000_000 + mono, wall));
        assert!(may_send(30_000, 1_800_000_030_000));
        assert!(!may_send(30_001, 1_800_000_030_000));
        // A write that was first sent long ago, and answered now.
        assert!(!may_send(3_600_000, 1_800_003_600_000));
        // The machine slept, or the wall clock was set: what shows the longer time counts.
        assert!(!may_send(0, 1_800_000_030_001));
        assert!(!may_send(30_001, 0));
        assert!(may_send(30_000, 0));
    }

    #[test]
    fn the_backoff_doubles_with_full_jitter_up_to_its_most() {
        let seconds = |failures, roll| RULES.backoff(failures, None, roll).as_secs_f64();
        for (failures, most) in [(1, 1.0), (2, 2.0), (4, 8.0), (9, 256.0), (10, 300.0)] {
            assert!((seconds(failures, 0.5) - most / 2.0).abs() < 1e-6);
            assert!(seconds(failures, 0.999) < most);
            assert!((seconds(failures, 0.0) - 0.5).abs() < 1e-6);
        }
        assert!(seconds(u32::MAX, 0.999) <= 300.0);
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let asked = Duration::from_secs(3600);
        assert_eq!(RULES.backoff(1, Some(asked), 0.5), asked);
        assert_eq!(
            RULES
                .backoff(10, Some(Duration::from_secs(1)), 1.0)
                .as_secs(),
            300
        );
    }
}
