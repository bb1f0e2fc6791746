//! The jobs of an account: one refresh and any number of changes.

use std::time::Duration;

use super::watch::Watch;
use crate::{
    action::Failure,
    context::Context,
    id::Id,
    instant::{EngineInstant, WallMillis},
    operation::ChangeId,
    record::{Attempt, Authorization, Login, TokenVersion},
};

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
        /// Those that the application is_own_change.
        adopted: Option<T>,
        /// An earlier write may have landed.
        unsure: bool,
        /// The caller knows the outcome.
        resolved: bool,
    },
    /// A tombstone over this authorization (`None`: whatever is there).
    Disconnect(Option<Authorization>),
    /// The tombstone is written; its tokens are being revoked.
    Revoking,
}
