//! The state of an account in one process.

use std::{sync::Arc, time::Duration};

use tokenkeeper_store::Version;

use super::{
    change_tracker::ChangeTracker,
    jobs::{Change, ChangeStage, RefreshJob, RefreshStage},
};
use crate::{
    id::Id,
    instant::EngineInstant,
    payload::Schedule,
    record::{Failures, Record, TokenVersion},
};

/// The state of an account in memory. Cold and transient state is in [`Activity`], so an account at
/// rest stays small.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State<T> {
    /// The newest record that this process knows.
    pub(super) known: Option<Arc<Record<T>>>,
    /// The last version seen in the store; `None`: there was no record, or the store was never
    /// read.
    pub(super) base: Option<Version>,
    /// The record that requests are served. It lags behind `known` until new tokens are written.
    pub(super) served: Option<Arc<Record<T>>>,
    pub(super) schedule: Schedule,
    /// When the store last answered; 0: never.
    pub(super) compared_at: EngineInstant,
    /// The values of the last publication.
    pub(super) fresh_until: EngineInstant,
    pub(super) replayable_only: bool,
    pub(super) on_trial: bool,
    pub(super) tracker: ChangeTracker,
    pub(super) activity: Option<Box<Activity<T>>>,
}

/// The jobs and operations in flight, and recent failures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Activity<T> {
    /// `known` has changes that the store does not have.
    pub(super) unwritten: bool,
    /// Those changes would be lost with the process: tokens, a refusal, or a disconnect.
    pub(super) critical: bool,
    /// The write is not retried until the store answers again.
    pub(super) parked: bool,
    /// `known` is served although it is unwritten, since a write failed.
    pub(super) behind: bool,
    /// The write restores what the store had lost.
    pub(super) restores: bool,
    pub(super) write: Writing<T>,
    pub(super) write_failures: u8,
    pub(super) read: Option<Reading>,
    /// A comparison with the store is wanted.
    pub(super) compare: bool,
    /// A caller that arrived after the call in flight was sent needs another comparison.
    pub(super) recheck: bool,
    pub(super) refresh: Option<RefreshJob>,
    pub(super) changes: Vec<Change<T>>,
    pub(super) revocation: Revocation<T>,
    /// Tokens that were revoked and that the stored record still lists.
    pub(super) revoked: Option<T>,
    /// The earliest time of the next revocation.
    pub(super) revoke_at: EngineInstant,
    /// When the revocation timer fires; 0: it is not armed.
    pub(super) revoke_timer: EngineInstant,
    /// Whether the timers are armed that poll another process's attempt and renew a lease.
    pub(super) poll_armed: bool,
    pub(super) renew_armed: bool,
    /// The earliest time of the next presentation of the refresh token.
    pub(super) retry_at: EngineInstant,
    pub(super) trouble: Option<StoreTrouble>,
    pub(super) rejections: Option<Rejections>,
    /// Whether the application knows of these episodes already.
    pub(super) reported_unvalidated: bool,
    pub(super) reported_revocation: bool,
    pub(super) reported_refused: bool,
}

/// The write of an account: at most one is in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Writing<T> {
    None,
    InFlight {
        version: Version,
        record: Option<Arc<Record<T>>>,
        mark: u32,
        /// It claims the code of this flow, under a key of the flow.
        claims: Option<Id>,
    },
    /// The last write failed; the next one waits for the timer.
    Waiting,
}

/// The read in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reading {
    pub(super) mark: u32,
    /// A write was sent after this read, whose result may thus be older.
    pub(super) outdated: bool,
    /// That write was answered, and its answer is newer than this read's.
    pub(super) covered: bool,
}

/// Failures of the store in a row: it failed, or its record cannot be decoded. It is not read
/// before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct StoreTrouble {
    pub(super) until: EngineInstant,
    pub(super) failures: u32,
}

/// The revocation of an account: at most one is in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Revocation<T> {
    None,
    /// The intent is being written, so that no other process sends the same revocation.
    Claiming(Failures),
    /// The tokens that are being revoked.
    InFlight(T),
}

/// The consequences of rejections by the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rejections {
    /// The token set that a rejection led to and that no response has accepted yet.
    pub(super) trial: Option<TokenVersion>,
    pub(super) held_off_until: Option<EngineInstant>,
    pub(super) wait: Duration,
}

impl<T> State<T> {
    /// Returns whether the served token has not expired.
    pub(super) fn is_valid(&self, now: EngineInstant) -> bool {
        self.served.is_some() && now < self.schedule.expires_at
    }

    /// Returns whether a refresh is running whose outcome callers can wait for.
    pub(super) fn can_join(&self) -> bool {
        let refresh = self
            .activity
            .as_deref()
            .and_then(|activity| activity.refresh.as_ref());
        refresh.is_some_and(|job| !job.resolved)
    }
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

impl<T> State<T> {
    /// Drops everything about an account that was forgotten, but for what the store has notified.
    pub(super) fn forget(&mut self) {
        *self = Self {
            compared_at: self.compared_at,
            tracker: self.tracker.clone(),
            ..Self::default()
        };
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
    /// Returns whether nothing is in flight and the store has all that is known.
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

    /// Returns whether a job watches another process's attempt.
    pub(super) fn watches(&self) -> bool {
        let refresh = self.refresh.as_ref();
        let mut changes = self.changes.iter();
        refresh.is_some_and(|job| matches!(job.stage, RefreshStage::Watching(_)))
            || changes.any(|change| matches!(change.stage, ChangeStage::WatchingLogin { .. }))
    }

    /// Returns whether jobs watch other processes' logins by device code, and nothing else.
    pub(super) fn watches_devices_only(&self) -> bool {
        let refresh = self.refresh.as_ref();
        let watches =
            |change: &&Change<T>| matches!(change.stage, ChangeStage::WatchingLogin { .. });
        let mut logins = self.changes.iter().filter(watches).peekable();
        refresh.is_none_or(|job| !matches!(job.stage, RefreshStage::Watching(_)))
            && logins.peek().is_some()
            && logins.all(|change| change.polls.is_some())
    }

    /// Returns whether no write is in flight, and `known` is written or parked.
    pub(super) fn has_settled(&self) -> bool {
        (!self.unwritten || self.parked) && !matches!(self.write, Writing::InFlight { .. })
    }

    /// Returns whether there is nothing to remember, so the activity can be dropped.
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
