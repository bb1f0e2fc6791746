//! The jobs of an account: one refresh and any number of changes.

use std::time::Duration;

use tokenkeeper_store::Version;

use super::{device::Polls, watch::Watch};
use crate::{
    action::Failure,
    context::Context,
    fact::{ChangeKind, Changed},
    id::Id,
    instant::{EngineInstant, WallMillis},
    operation::ChangeId,
    record::{Attempt, Authorization, Flow, Login, TokenVersion},
};

/// A refresh, from the decision to the write of its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RefreshJob {
    /// The token set to replace. Any newer one ends the job.
    pub(super) wanted: Option<TokenVersion>,
    /// The API rejected that token set.
    pub(super) rejected: bool,
    pub(super) urgency: Urgency,
    /// The job waits until the store has answered.
    pub(super) check: bool,
    /// How many attempts were written too late to be sent.
    pub(super) late: u8,
    /// The waiters have been woken with the outcome.
    pub(super) resolved: bool,
    pub(super) stage: RefreshStage,
}

/// Which pauses hold a refresh back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Urgency {
    /// All pauses count.
    Usual,
    /// An explicit request: pauses after refusals do not count.
    Forced,
    /// The store listed the account as due: only firm pauses count.
    Listed,
}

/// The stage of a refresh job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RefreshStage {
    /// Deciding what to do.
    Starting,
    /// The attempt is being written.
    Claiming(Claim),
    /// The refresh token was presented.
    Exchanging(Presented),
    /// Another process's attempt is in flight.
    Watching(Watch),
    /// The outcome is being written.
    Settling(Result<Option<TokenVersion>, Failure>),
}

/// An attempt that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) id: Id,
    /// When its write was first sent: the lease counts from here.
    pub(super) since: Option<Moment>,
}

/// A moment on the engine's clock and on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    pub(super) instant: EngineInstant,
    pub(super) wall: WallMillis,
}

impl Moment {
    pub(super) fn now(cx: &Context<'_>) -> Self {
        Self {
            instant: cx.now,
            wall: cx.wall,
        }
    }

    /// Returns how long ago it was, by the clock that shows more, since either clock may have been
    /// stopped or set.
    pub(super) fn age(&self, cx: &Context<'_>) -> Duration {
        let wall = Duration::from_millis(cx.wall.saturating_sub(self.wall));
        wall.max(cx.now.since(self.instant))
    }
}

impl Claim {
    /// Returns how long ago its write was first sent.
    pub(super) fn age(&self, cx: &Context<'_>) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.age(cx))
    }
}

/// A presentation of the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Presented {
    pub(super) attempt: Attempt,
    pub(super) authorization: Authorization,
    pub(super) generation: u64,
    /// The number of this presentation among those of the same refresh token.
    pub(super) count: u32,
    /// The next write renews the lease.
    pub(super) renew: bool,
}

/// A login, an adoption or a disconnect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Change<T> {
    pub(super) id: ChangeId,
    pub(super) check: bool,
    /// A revocation that the change waited for has failed.
    pub(super) revocation_failed: bool,
    /// The stored record at this version cannot be read.
    pub(super) unreadable: Option<Version>,
    /// The store has shown the tokens of the change, so what cannot be read may be newer; or the
    /// change has replaced what could not be read.
    pub(super) landed: bool,
    /// The polls of a login by device code.
    pub(super) polls: Option<Polls>,
    pub(super) stage: ChangeStage<T>,
}

impl<T> Change<T> {
    /// Returns the id of the flow that the change belongs to. For adopted tokens that are being
    /// written it is random, and a disconnect has none.
    pub(super) fn flow(&self) -> Option<Id> {
        match &self.stage {
            ChangeStage::Login { flow, .. }
            | ChangeStage::WatchingLogin { flow, .. }
            | ChangeStage::ClaimingFlow { flow, .. }
            | ChangeStage::Waiting { flow, .. }
            | ChangeStage::Exchanging { flow, .. } => Some(flow.id),
            ChangeStage::Settling { authorization, .. } => Some(authorization.id),
            _ => None,
        }
    }

    /// Returns the fact that the change ended with this result in its current stage.
    pub(super) fn ended(&self, result: Result<(), Failure>) -> Changed {
        let (kind, authorization) = match &self.stage {
            ChangeStage::Login { claim, .. } => {
                let claimed = claim.as_ref().map(|(login, _)| login.authorization);
                (ChangeKind::Login, claimed)
            }
            ChangeStage::WatchingLogin { .. } => (ChangeKind::Login, None),
            ChangeStage::ClaimingFlow { login, .. }
            | ChangeStage::Exchanging { login, .. }
            | ChangeStage::Waiting { login, .. } => (ChangeKind::Login, Some(login.authorization)),
            ChangeStage::Adopt(_) => (ChangeKind::Adoption, None),
            ChangeStage::Settling {
                authorization,
                adopted,
                ..
            } => {
                let kind = match adopted {
                    Some(_) => ChangeKind::Adoption,
                    None => ChangeKind::Login,
                };
                (kind, Some(*authorization))
            }
            ChangeStage::Disconnect(target) => (ChangeKind::Disconnect, *target),
            ChangeStage::Revoking => (ChangeKind::Disconnect, None),
            ChangeStage::Forget { target, .. } => (ChangeKind::Forget, *target),
        };
        let did_something = match &self.stage {
            ChangeStage::Settling { .. } => true,
            ChangeStage::Disconnect(target) => target.is_some(),
            ChangeStage::Forget { target } => {
                target.is_some() || self.unreadable.is_some() || self.landed
            }
            _ => false,
        };
        Changed {
            id: self.id,
            kind,
            number: authorization.map(|authorization| authorization.number),
            repeated: result.is_ok() && !did_something,
            result,
        }
    }
}

/// The stage of a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ChangeStage<T> {
    /// A login whose code has not been sent.
    Login {
        flow: Flow,
        claim: Option<(Login, Claim)>,
        /// The version of the record in which another process's exchange of the same code outlived
        /// its lease.
        lapsed: Option<Version>,
    },
    /// Another process exchanges the same code.
    WatchingLogin { flow: Flow, watch: Watch },
    /// The account's record cannot be read, so the code is claimed under a key of its flow.
    ClaimingFlow { flow: Flow, login: Login },
    /// A login by device code between two polls.
    Waiting {
        flow: Flow,
        login: Login,
        /// The pause is over.
        due: bool,
        /// The next write renews the lease.
        renew: bool,
    },
    /// A login whose code is at the token endpoint.
    Exchanging {
        flow: Flow,
        login: Login,
        /// The next write renews the lease.
        renew: bool,
    },
    /// Tokens of the application that have not been taken over.
    Adopt(T),
    /// Tokens of a login are being written.
    Settling {
        authorization: Authorization,
        /// The tokens that the application handed over.
        adopted: Option<T>,
        /// An earlier write may have landed.
        unsure: bool,
        /// The caller has been woken with the outcome.
        resolved: bool,
    },
    /// A tombstone over this authorization is being written (`None`: over any).
    Disconnect(Option<Authorization>),
    /// The tombstone is written, and its tokens are being revoked.
    Revoking,
    /// The account is being forgotten.
    Forget {
        /// The login that the caller wants to be forgotten; `None`: whichever there is.
        target: Option<Authorization>,
    },
}

impl<T> ChangeStage<T> {
    /// Returns whether the change may replace a record that cannot be read, now or once it has
    /// tokens: a person logs in, or wants to be forgotten. An application may adopt many tokens at
    /// once, perhaps with a wrong key.
    pub(super) const fn may_replace(&self) -> bool {
        match self {
            Self::Login { .. }
            | Self::ClaimingFlow { .. }
            | Self::Exchanging { .. }
            | Self::Forget { .. } => true,
            Self::Settling {
                adopted, unsure, ..
            } => adopted.is_none() && !*unsure,
            Self::WatchingLogin { .. }
            | Self::Waiting { .. }
            | Self::Adopt(_)
            | Self::Disconnect(_)
            | Self::Revoking => false,
        }
    }
}
