//! What a process holds of an account.

use std::{sync::Arc, time::Duration};

use tokenkeeper_store::Version;

use super::{changes::ChangeTracker, watch::Watch};
use crate::{
    action::Failure,
    context::Context,
    id::Id,
    instant::{EngineInstant, WallMillis},
    operation::ChangeId,
    payload::Schedule,
    record::{Attempt, Authorization, Failures, Login, Record, TokenVersion},
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
    pub(super) precious: bool,
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
    pub(super) told_unvalidated: bool,
    pub(super) told_revocation: bool,
    pub(super) told_refused: bool,
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
    /// The token set that a rejection brought and that no response has accepted yet.
    pub(super) trial: Option<TokenVersion>,
    pub(super) held_off_until: Option<EngineInstant>,
    pub(super) wait: Duration,
}

/// One refresh, from its attempt to the write of its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RefreshJob {
    /// The token set to be replaced. Anything newer ends the job.
    pub(super) wanted: Option<TokenVersion>,
    /// The API rejected it.
    pub(super) rejected: bool,
    pub(super) urgency: Urgency,
    /// Nothing is done before the store has answered.
    pub(super) check: bool,
    /// How often an attempt was written too late to be sent.
    pub(super) late: u8,
    /// Its waiters know the outcome.
    pub(super) resolved: bool,
    pub(super) stage: RefreshStage,
}

/// Which pauses count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Urgency {
    /// All.
    Usual,
    /// A caller asked expressly: those that the provider did not ask for do not count.
    Forced,
    /// The store lists the account as due: of those that were counted, only firm ones count.
    Listed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RefreshStage {
    /// To be decided by what is known.
    Starting,
    /// The attempt is being written.
    Claiming(Claim),
    /// The refresh token is presented.
    Exchanging(Presented),
    /// Another's attempt is in flight.
    Watching(Watch),
    /// The outcome is being written.
    Settling(Result<Option<TokenVersion>, Failure>),
}

/// An attempt that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) id: Id,
    /// When its write was first sent: its lease counts from here.
    pub(super) since: Option<Moment>,
}

/// A moment on the engine's clock and on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    pub(super) instant: EngineInstant,
    pub(super) wall: WallMillis,
}

impl Claim {
    /// How long ago its write was first sent: the longer of what the two clocks show, since either
    /// may have stood still or been set.
    pub(super) fn age(&self, cx: &Context<'_>) -> Duration {
        let Some(since) = self.since else {
            return Duration::ZERO;
        };
        let wall = Duration::from_millis(cx.wall.saturating_sub(since.wall));
        wall.max(cx.now.since(since.instant))
    }
}

/// What was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Presented {
    pub(super) attempt: Attempt,
    pub(super) authorization: Authorization,
    pub(super) generation: u64,
    /// Which presentation of the refresh token it is.
    pub(super) count: u32,
    /// The lease is to be renewed.
    pub(super) renew: bool,
}

/// A login, an adoption or a disconnect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Change<T> {
    pub(super) id: ChangeId,
    pub(super) check: bool,
    /// A revocation that it waited for has failed.
    pub(super) revocation_failed: bool,
    pub(super) stage: ChangeStage<T>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ChangeStage<T> {
    /// A login whose code is not sent yet.
    Login(Option<(Login, Claim)>),
    /// A login whose code is at the token endpoint.
    Exchanging(Login),
    /// Tokens of the application that are not taken yet.
    Adopt(T),
    /// Tokens of a login are being written.
    Settling {
        authorization: Authorization,
        /// Those that the application brought.
        adopted: Option<T>,
        /// An earlier write may have landed.
        unsure: bool,
        /// The caller knows the outcome.
        resolved: bool,
    },
    /// A tombstone over this authorization (`None`: whatever is there).
    Bury(Option<Authorization>),
    /// The tombstone is written; its tokens are being revoked.
    Revoking,
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
            precious: false,
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
            told_unvalidated: false,
            told_revocation: false,
            told_refused: false,
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
    pub(super) fn is_over(&self, now: EngineInstant) -> bool {
        self.is_idle()
            && !(self.poll_armed || self.renew_armed)
            && self.write_failures == 0
            && self.revoke_at <= now
            && self.retry_at <= now
            && self.trouble.is_none()
            && self.rejections.is_none()
            && !(self.told_unvalidated || self.told_revocation || self.told_refused)
    }
}
