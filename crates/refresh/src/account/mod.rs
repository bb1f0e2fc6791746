//! The account machine: one account as one process sees it.

mod callers;
mod change;
mod changes;
mod publish;
mod refresh;
mod revocation;
mod state;
mod store;
mod turn;
mod watch;

use std::sync::Arc;

use self::{
    callers::CallerHandler,
    change::ChangeHandler,
    refresh::RefreshHandler,
    revocation::RevocationHandler,
    state::{ChangeStage, RefreshStage, Revocation, State},
    store::StoreHandler,
    turn::Turn,
};
use crate::{
    action::{Actions, Notice},
    context::Context,
    input::{Answer, Input, Outcome, Revoked, StoreAnswer},
    instant::{EngineInstant, WallMillis},
    operation::{Candidate, Operation, Timer},
    payload::Payload,
    record::{Health, Live, Record, TokenVersion},
};

/// One account in memory: the newest truth that is known, and the jobs in flight.
///
/// It decides everything that becomes of the account. Each [`Input`] says what happened; the
/// [`Actions`] say what follows. A step does no I/O, reads no clock and draws no random number:
/// what it needs of these is in the [`Context`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account<T>(State<T>);

impl<T> Default for Account<T> {
    fn default() -> Self {
        Self(State::default())
    }
}

impl<T: Payload> Account<T> {
    /// Takes what happened, and returns what follows.
    pub fn handle(&mut self, input: Input<T>, cx: &Context<'_>) -> Actions<T> {
        let before = Shown::of(&self.0);
        let mut turn = Turn::new(&mut self.0, cx);
        take(&mut turn, input);
        RefreshHandler(&mut turn).advance();
        ChangeHandler(&mut turn).advance();
        RevocationHandler(&mut turn).advance();
        StoreHandler(&mut turn).flush();
        if let Some(activity) = turn.state.activity.as_deref_mut()
            && !activity.unwritten
        {
            if std::mem::take(&mut activity.behind) {
                turn.emit(Notice::StoreCaughtUp);
            }
            let activity = turn.activity();
            activity.precious = false;
            if std::mem::take(&mut activity.restores) {
                turn.emit(Notice::StoreRestored);
            }
        }
        publish::publish(&mut turn);
        before.tell_changes(&mut turn);
        let actions = turn.actions;
        if self
            .0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.is_over(cx.now))
        {
            self.0.activity = None;
        }
        actions
    }

    /// The newest record known.
    #[must_use]
    pub fn record(&self) -> Option<&Arc<Record<T>>> {
        self.0.known.as_ref()
    }

    /// Whether the newest record known is in the store.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_none_or(|activity| !activity.unwritten)
    }

    /// Whether something would be lost if the process ended now: tokens that are not written, or an
    /// answer on its way.
    #[must_use]
    pub fn is_at_risk(&self) -> bool {
        let Some(activity) = &self.0.activity else {
            return false;
        };
        let refreshes = activity.refresh.as_ref();
        let exchanging =
            |change: &state::Change<T>| matches!(change.stage, ChangeStage::Exchanging(_));
        activity.unwritten && activity.precious
            || refreshes.is_some_and(|job| matches!(job.stage, RefreshStage::Exchanging(_)))
            || activity.changes.iter().any(exchanging)
    }

    /// Whether nothing is in flight and memory holds nothing that the store does not have: it may
    /// be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_none_or(|activity| activity.is_idle())
    }

    /// Whether memory holds nothing that a read would not bring back: no job, no timer, and no
    /// pause that would be counted anew.
    #[must_use]
    pub fn is_at_rest(&self, now: EngineInstant, wall: WallMillis) -> bool {
        let activity = self.0.activity.as_ref();
        let pauses = self.0.known.as_ref().is_some_and(|known| {
            let live = known.live().filter(|live| !live.is_dead());
            let refresh = live.is_some_and(|live| !live.failures.left(wall).is_zero());
            refresh || !known.revoke.is_empty() && !known.revocation.left(wall).is_zero()
        });
        !pauses && activity.is_none_or(|activity| activity.is_over(now))
    }

    /// Whether a pause is running that would be counted anew after a read: one that the server
    /// asked for.
    #[must_use]
    pub fn is_held_off(&self, now: EngineInstant) -> bool {
        let live = self.0.known.as_ref().and_then(|known| known.live());
        let activity = self.0.activity.as_ref();
        live.is_some_and(|live| live.failures.firm)
            && activity.is_some_and(|activity| activity.retry_at > now)
    }

    /// Whether memory holds what is not written, and nothing will write it before the store answers
    /// again.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.unwritten && activity.parked)
    }

    /// Whether tokens are being revoked.
    #[must_use]
    pub fn is_revoking(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| !matches!(activity.revocation, Revocation::None))
    }

    /// Whether the refresh job is in flight.
    #[must_use]
    pub fn is_refreshing(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.refresh.is_some())
    }
}

/// Hands an input to the part that it concerns.
fn take<T: Payload>(turn: &mut Turn<'_, T>, input: Input<T>) {
    let reply = match input {
        Input::Wanted { replayable } => CallerHandler(turn).wanted(replayable),
        Input::WaitedLong => CallerHandler(turn).waited_long(),
        Input::Refresh => CallerHandler(turn).refresh(),
        Input::Due { listed } => CallerHandler(turn).due(listed),
        Input::Compare => CallerHandler(turn).compared(),
        Input::Rejected(version) => CallerHandler(turn).rejected(version),
        Input::Judged { version, accepted } => {
            return CallerHandler(turn).judged(version, accepted);
        }
        Input::Changed { version, in_use } => return CallerHandler(turn).changed(version, in_use),
        Input::Login(id) => {
            RevocationHandler(turn).hurry();
            return ChangeHandler(turn).start(id, ChangeStage::Login(None));
        }
        Input::Adopt(id, payload) => {
            RevocationHandler(turn).hurry();
            return ChangeHandler(turn).start(id, ChangeStage::Adopt(payload));
        }
        Input::Disconnect(id) => {
            RevocationHandler(turn).hurry();
            return ChangeHandler(turn).start(id, ChangeStage::Bury(None));
        }
        Input::Read(answer) => return StoreHandler(turn).read(answer),
        Input::Wrote(outcome) => return StoreHandler(turn).wrote(outcome),
        Input::Answered(candidate, answer) => return answered(turn, candidate, answer),
        Input::Revoked(outcome) => return RevocationHandler(turn).revoked(outcome),
        Input::Elapsed(Timer::Write) | Input::Closing => return StoreHandler(turn).write_again(),
        Input::Elapsed(Timer::Renew) => return RefreshHandler(turn).renew(),
        Input::Elapsed(Timer::Poll) => return RefreshHandler(turn).poll(),
        Input::Elapsed(Timer::Revoke) => return RevocationHandler(turn).elapsed(),
        Input::Died(Operation::Read) => {
            return StoreHandler(turn).read(StoreAnswer::Failed { hung: false });
        }
        Input::Died(Operation::Write) => return StoreHandler(turn).wrote(Outcome::Failed),
        Input::Died(Operation::Send(candidate)) => {
            return answered(turn, candidate, Answer::Ambiguous);
        }
        Input::Died(Operation::Revoke) => {
            return RevocationHandler(turn).revoked(Revoked::Unavailable);
        }
    };
    turn.actions.reply = Some(reply);
}

fn answered<T: Payload>(turn: &mut Turn<'_, T>, candidate: Candidate, answer: Answer<T>) {
    match candidate {
        Candidate::Refresh => RefreshHandler(turn).answered(answer),
        Candidate::Login(id) => ChangeHandler(turn).answered(id, answer),
    }
}

/// What the application was told of an account: another state is told once.
struct Shown {
    token: Option<TokenVersion>,
    ended: bool,
    health: Option<Health>,
}

impl Shown {
    fn of<T>(state: &State<T>) -> Self {
        let live = state.known.as_ref().and_then(|known| known.live());
        Self {
            token: live.map(Live::token_version),
            ended: state.known.as_ref().is_some_and(|known| known.is_ended()),
            health: live.map(|live| live.health.clone()),
        }
    }

    fn tell_changes<T: Payload>(self, turn: &mut Turn<'_, T>) {
        let now = Self::of(turn.state);
        if now.ended && !self.ended && self.token.is_some() {
            turn.emit(Notice::Disconnected);
        }
        if now.health == self.health {
            return;
        }
        match now.health {
            Some(Health::Dead(cause) | Health::Suspect(cause)) => {
                turn.emit(Notice::Reauthorize(cause));
            }
            Some(Health::Misconfigured(_))
                if !matches!(self.health, Some(Health::Misconfigured(_))) =>
            {
                turn.emit(Notice::Misconfigured);
            }
            _ => {}
        }
    }
}
