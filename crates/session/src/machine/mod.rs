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
mod refresh;
mod validate;
mod watch;

use std::time::Duration;

use tokenkeeper_store::Version;

pub(crate) use disconnect::{Disconnect, DisconnectEnd};
pub(crate) use login::{Login, LoginEnd};
pub(crate) use refresh::{Failure, Refresh, RefreshEnd, RefreshOutcome};
pub(crate) use validate::{Validate, ValidateEnd};
pub(crate) use watch::{Sight, Watch};

use crate::record::{
    Attempt, Live, Record, State, Tokens, Tombstone, WallMillis, Winner, is_unknown_to_tombstone,
    judge, merge_login,
};

/// A machine of the protocol.
pub(crate) trait Machine<T> {
    type End;

    /// Takes what happened and says what is next.
    fn step(&mut self, input: Input<T>, cx: &Context) -> Step<T, Self::End>;

    /// An answer that is not in the store yet, to be served (or refused) from memory meanwhile.
    fn in_hand(&self) -> Option<&Record<T>> {
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
const UNEXPLAINED_LIMIT: u32 = 3;
const UNEXPLAINED_SPAN: WallMillis = 10 * 60 * 1000;

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
    fn may_send(&self, since: Duration, now: Duration) -> bool {
        now.saturating_sub(since) + self.deadline <= self.lease
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

/// What this process knows beside what the store has.
enum Reconciled<T> {
    Nothing,
    Stands(Stored<T>),
    /// The store lost the record or went back in time: ours is written back.
    Restore(Write<T>),
    /// A disconnect did not know our tokens: they go into its tombstone.
    Entomb(Write<T>),
}

fn reconcile<T: Tokens>(
    rules: &Rules,
    ours: Option<&Stored<T>>,
    found: Option<Stored<T>>,
    version: Version,
) -> Reconciled<T> {
    match (ours, found) {
        (None, None) => Reconciled::Nothing,
        (Some(ours), None) if ours.record.authorization().is_none() => Reconciled::Nothing,
        (Some(ours), None) => Reconciled::Restore(Write {
            version,
            expected: None,
            record: Some(ours.record.clone()),
        }),
        (Some(ours), Some(found)) if judge(&ours.record, &found.record) == Winner::Ours => {
            Reconciled::Restore(over(rules, &ours.record, &found, version))
        }
        (Some(ours), Some(found)) => match entomb(rules, &ours.record, &found, version) {
            Some(write) if is_unknown_to_tombstone(&ours.record, &found.record) => {
                Reconciled::Entomb(write)
            }
            _ => Reconciled::Stands(found),
        },
        (None, Some(found)) => Reconciled::Stands(found),
    }
}

/// What a process remembers once it has met `stored`, and whether that is in the store; `None` where it knows a later truth.
///
/// Where one of the two is a tombstone that does not know the other's tokens, both become one that does: it is written, and its tokens
/// are revoked, at the next comparison with the store.
pub(crate) fn remember<T: Tokens>(
    rules: &Rules,
    known: Option<&Stored<T>>,
    stored: Stored<T>,
    written: bool,
) -> Option<(Stored<T>, bool)> {
    let Some(known) = known.map(|known| &known.record) else {
        return Some((stored, written));
    };
    let pairs = [(known, &stored.record), (&stored.record, known)];
    let unknown = pairs
        .into_iter()
        .find(|(live, tombstone)| is_unknown_to_tombstone(live, tombstone));
    if let Some(live) = unknown.and_then(|(live, _)| live.live()) {
        let record = Record {
            state: live.buried(rules),
            login: stored.record.login,
        };
        let version = stored.version;
        return Some((Stored { version, record }, false));
    }
    (judge(known, &stored.record) == Winner::Theirs).then_some((stored, written))
}

/// The login was disconnected by somebody who did not know the tokens that we have: they go into its tombstone, to be revoked too
///. `None`: it was not, or the provider cannot revoke.
fn entomb<T: Tokens>(
    rules: &Rules,
    ours: &Record<T>,
    there: &Stored<T>,
    version: Version,
) -> Option<Write<T>> {
    let live = ours.live().filter(|_| rules.revokes)?;
    let State::Ended(tombstone) = &there.record.state else {
        return None;
    };
    if tombstone.authorization != live.authorization || tombstone.generation > live.generation {
        return None;
    }
    let tombstone = Record {
        state: live.buried(rules),
        login: there.record.login,
    };
    Some(Write {
        version,
        expected: Some(there.version),
        record: Some(tombstone),
    })
}

/// Our record over what the store has, keeping a login that is under way there, and the tokens that a tombstone of ours does not know.
fn over<T: Tokens>(
    rules: &Rules,
    ours: &Record<T>,
    there: &Stored<T>,
    version: Version,
) -> Write<T> {
    let state = match there.record.live() {
        Some(live) if is_unknown_to_tombstone(&there.record, ours) => live.buried(rules),
        _ => ours.state.clone(),
    };
    Write {
        version,
        expected: Some(there.version),
        record: Some(Record {
            state,
            login: merge_login(ours, &there.record),
        }),
    }
}

impl<T: Tokens> Live<T> {
    /// The tombstone of this login; it keeps the tokens until they are revoked.
    fn buried(&self, rules: &Rules) -> State<T> {
        State::Ended(Tombstone {
            authorization: self.authorization,
            generation: self.generation,
            revoke: rules.revokes.then(|| self.tokens.clone()),
        })
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
