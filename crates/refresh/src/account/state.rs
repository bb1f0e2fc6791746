//! What a process holds of an account.

use std::{sync::Arc, time::Duration};

use tokenkeeper_store::Version;

use super::{
    change_tracker::ChangeTracker,
    jobs::{Change, RefreshJob},
};
use crate::{
    instant::EngineInstant,
    payload::Schedule,
    record::{Failures, Record, TokenVersion},
};

/// An account in memory. What is rare or passes is in [`Activity`], so that an account at rest is
/// small.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State<T> {
    /// The newest truth that this process knows.
    pub(super) known: Option<Arc<Record<T>>>,
    /// The version that the store had last; `None`: it had no record, or was never asked.
    pub(super) base: Option<Version>,
    /// What requests are served. It stays behind `known` until new tokens are written.
    pub(super) served: Option<Arc<Record<T>>>,
    pub(super) schedule: Schedule,
    /// When the store last answered; zero: never.
    pub(super) compared_at: EngineInstant,
    /// Of the last publication.
    pub(super) fresh_until: EngineInstant,
    pub(super) replayable_only: bool,
    pub(super) on_trial: bool,
    pub(super) tracker: ChangeTracker,
    pub(super) activity: Option<Box<Activity<T>>>,
}

/// Jobs, operations in flight, and what went wrong lately.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Activity<T> {
    /// `known` is newer than what the store has.
    pub(super) unwritten: bool,
    /// It holds something that would be lost: tokens, a refusal, a disconnect.
    pub(super) critical: bool,
    /// It is not worth another try before the store answers again.
    pub(super) parked: bool,
    /// It is served from memory, since the store did not take it at once.
    pub(super) behind: bool,
    /// It puts back what the store had lost.
    pub(super) restores: bool,
    pub(super) write: Writing<T>,
    pub(super) write_failures: u8,
    pub(super) read: Option<Reading>,
    /// A comparison with the store is wanted.
    pub(super) compare: bool,
    /// The one in flight was sent before a caller came that wants a later one.
    pub(super) recheck: bool,
    pub(super) refresh: Option<RefreshJob>,
    pub(super) changes: Vec<Change<T>>,
    pub(super) revocation: Revocation<T>,
    /// These tokens were revoked, which is not written yet.
    pub(super) revoked: Option<T>,
    /// No revocation is sent before this.
    pub(super) revoke_at: EngineInstant,
    /// The timer that was asked for fires then; 0: there is none.
    pub(super) revoke_timer: EngineInstant,
    /// A timer to look at another's attempt, or to renew a lease, is running.
    pub(super) poll_armed: bool,
    pub(super) renew_armed: bool,
    /// The refresh token is not presented before this.
    pub(super) retry_at: EngineInstant,
    pub(super) trouble: Option<StoreTrouble>,
    pub(super) rejections: Option<Rejections>,
    /// These episodes were told.
    pub(super) reported_unvalidated: bool,
    pub(super) reported_revocation: bool,
    pub(super) reported_refused: bool,
}

/// The one write of an account at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Writing<T> {
    None,
    InFlight {
        version: Version,
        record: Option<Arc<Record<T>>>,
        mark: u32,
    },
    /// The last one failed; the next waits for its timer.
    Waiting,
}

/// A read in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reading {
    pub(super) mark: u32,
    /// A write was sent meanwhile, so what it finds may be older.
    pub(super) outdated: bool,
    /// That write was answered, and showed more.
    pub(super) covered: bool,
}

/// The store failed, or has a record that cannot be read; it is left alone until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct StoreTrouble {
    pub(super) until: EngineInstant,
    pub(super) failures: u32,
}

/// The one revocation of an account at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Revocation<T> {
    None,
    /// The intent is being written, so that other processes leave it to this one.
    Claiming(Failures),
    /// These tokens are being revoked.
    InFlight(T),
}

/// What rejections by the API have led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rejections {
    /// The token set that a rejection is_own_change and that no response has accepted yet.
    pub(super) trial: Option<TokenVersion>,
    pub(super) held_off_until: Option<EngineInstant>,
    pub(super) wait: Duration,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self {
            known: None,
            base: None,
            served: None,
            schedule: Schedule {
                stale_at: EngineInstant(0),
                expires_at: EngineInstant(0),
            },
            compared_at: EngineInstant(0),
            fresh_until: EngineInstant(0),
            replayable_only: false,
            on_trial: false,
            tracker: ChangeTracker::default(),
            activity: None,
        }
    }
}

impl<T> Default for Activity<T> {
    fn default() -> Self {
        Self {
            unwritten: false,
            critical: false,
            parked: false,
            behind: false,
            restores: false,
            write: Writing::None,
            write_failures: 0,
            read: None,
            compare: false,
            recheck: false,
            refresh: None,
            changes: Vec::new(),
            revocation: Revocation::None,
            revoked: None,
            revoke_at: EngineInstant(0),
            revoke_timer: EngineInstant(0),
            poll_armed: false,
            renew_armed: false,
            retry_at: EngineInstant(0),
            trouble: None,
            rejections: None,
            reported_unvalidated: false,
            reported_revocation: false,
            reported_refused: false,
        }
    }
}

impl<T> Activity<T> {
    /// Nothing is in flight, and nothing is known that the store does not have.
    pub(super) fn is_idle(&self) -> bool {
        !self.unwritten
            && matches!(self.write, Writing::None)
            && self.read.is_none()
            && !self.compare
            && !self.recheck
            && self.refresh.is_none()
            && self.changes.is_empty()
            && !matches!(self.revocation, Revocation::InFlight(_))
    }

    /// What is known is written, or is not written for now, and no write is in flight.
    pub(super) fn has_settled(&self) -> bool {
        (!self.unwritten || self.parked) && !matches!(self.write, Writing::InFlight { .. })
    }

    /// There is nothing to remember.
    pub(super) fn is_empty(&self, now: EngineInstant) -> bool {
        self.is_idle()
            && !(self.poll_armed || self.renew_armed)
            && self.write_failures == 0
            && self.revoke_at <= now
            && self.retry_at <= now
            && self.trouble.is_none()
            && self.rejections.is_none()
            && !(self.reported_unvalidated || self.reported_revocation || self.reported_refused)
    }
}
