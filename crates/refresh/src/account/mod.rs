//! The account machine: one account as one process sees it.

mod callers;
mod change;
mod change_tracker;
mod device;
mod draft;
mod jobs;
mod login;
mod obstacle;
mod publish;
mod reconcile;
mod refresh;
mod rejection;
mod reported;
mod revocation;
mod state;
mod store;
mod timers;
mod turn;
mod watch;

use std::sync::Arc;

use self::{
    callers::CallerHandler,
    change::ChangeHandler,
    device::Polls,
    jobs::{Change, ChangeStage, RefreshStage},
    refresh::RefreshHandler,
    reported::Reported,
    revocation::RevocationHandler,
    state::{Revocation, State},
    store::StoreHandler,
    turn::Turn,
};
use crate::{
    action::{Actions, Notice},
    context::Context,
    input::{Answer, Input, Outcome, Revoked, StoreAnswer},
    instant::{EngineInstant, WallMillis},
    operation::{Candidate, ChangeId, Operation, Timer},
    payload::Payload,
    record::{Flow, Login, Record},
};

/// One account in memory: the newest record that is known, and the jobs in flight.
///
/// It makes every decision about the account. Each [`Input`] reports what happened; the [`Actions`]
/// are the consequences. A step does no I/O, reads no clock and draws no random number: those come
/// in the [`Context`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account<T>(State<T>);

impl<T> Default for Account<T> {
    fn default() -> Self {
        Self(State::default())
    }
}

impl<T: Payload> Account<T> {
    /// Handles an input and returns the resulting actions.
    pub fn handle(&mut self, input: Input<T>, cx: &Context<'_>) -> Actions<T> {
        let before = Reported::of(&self.0);
        let mut turn = Turn::new(&mut self.0, cx);
        dispatch(&mut turn, input);
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
            activity.critical = false;
            if std::mem::take(&mut activity.restores) {
                turn.emit(Notice::StoreRestored);
            }
        }
        publish::publish(&mut turn);
        before.emit_changes(&mut turn);
        let actions = turn.actions;
        if self.is_idle() && self.record().is_some_and(|known| known.is_forgotten()) {
            // The mark stays in the store for those that still know the account.
            self.0.forget();
        }
        if self
            .0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.is_empty(cx.now))
        {
            self.0.activity = None;
        }
        actions
    }

    /// Returns whether a caller that needs a token would only wait for the refresh in flight.
    ///
    /// Then [`Input::Wanted`] replies to wait in [`Queue::Refresh`](crate::Queue::Refresh) and
    /// changes nothing, so it can be left out: of many callers that meet an expired token, only the
    /// first needs a step.
    #[must_use]
    pub fn joins_refresh(&self, now: EngineInstant) -> bool {
        !self.0.is_valid(now) && self.0.can_join()
    }

    /// Returns the newest record known.
    #[must_use]
    pub fn record(&self) -> Option<&Arc<Record<T>>> {
        self.0.known.as_ref()
    }

    /// Returns whether the newest record known is in the store.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_none_or(|activity| !activity.unwritten)
    }

    /// Returns whether new tokens are served that could not be written yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.behind)
    }

    /// Returns whether something would be lost if the process ended now: unwritten tokens, or an
    /// answer in flight.
    #[must_use]
    pub fn is_at_risk(&self) -> bool {
        let Some(activity) = &self.0.activity else {
            return false;
        };
        let refreshes = activity.refresh.as_ref();
        let exchanging =
            |change: &Change<T>| matches!(change.stage, ChangeStage::Exchanging { .. });
        activity.unwritten && activity.critical
            || refreshes.is_some_and(|job| matches!(job.stage, RefreshStage::Exchanging(_)))
            || activity.changes.iter().any(exchanging)
    }

    /// Returns whether the account may be dropped: nothing is in flight, and the store has
    /// everything that memory holds.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_none_or(|activity| activity.is_idle())
    }

    /// Returns whether the account is disconnected and nothing is left to do about it, so that
    /// memory need not keep it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let known = self.0.known.as_ref();
        known.is_some_and(|known| known.is_ended() && known.revoke.is_empty()) && self.is_idle()
    }

    /// Returns whether memory has no tokens, not even ones to be revoked, and nothing is in flight.
    #[must_use]
    pub fn is_without_tokens(&self) -> bool {
        let known = self.0.known.as_ref();
        known.is_none_or(|known| known.live().is_none() && known.revoke.is_empty())
            && self.is_idle()
    }

    /// Returns whether a read would bring back all of memory: there is no job, no timer, and no
    /// pause that would restart.
    #[must_use]
    pub fn is_at_rest(&self, now: EngineInstant, wall: WallMillis) -> bool {
        let activity = self.0.activity.as_ref();
        let pauses = self.0.known.as_ref().is_some_and(|known| {
            let live = known.live().filter(|live| !live.is_dead());
            let refresh = live.is_some_and(|live| !live.failures.left(wall).is_zero());
            refresh || !known.revoke.is_empty() && !known.revocation.left(wall).is_zero()
        });
        !pauses && activity.is_none_or(|activity| activity.is_empty(now))
    }

    /// Returns whether a pause is running that would restart after a read: one that the server
    /// asked for.
    #[must_use]
    pub fn is_held_off(&self, now: EngineInstant) -> bool {
        let live = self.0.known.as_ref().and_then(|known| known.live());
        let activity = self.0.activity.as_ref();
        live.is_some_and(|live| live.failures.firm)
            && activity.is_some_and(|activity| activity.retry_at > now)
    }

    /// Returns whether memory holds an unwritten change that is not retried until the store answers
    /// again.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.unwritten && activity.parked)
    }

    /// Returns whether the mark of a forgotten account counts as its record: memory has something
    /// of the account that would be put back, or the code of a login that must not be sent again.
    #[must_use]
    pub fn heeds_marks(&self) -> bool {
        let logs_in = |change: &Change<T>| change.flow().is_some();
        let activity = self.0.activity.as_ref();
        self.0.known.is_some() || activity.is_some_and(|all| all.changes.iter().any(logs_in))
    }

    /// Returns whether a change is in flight that a record that cannot be read does not stop: the
    /// account is being forgotten, or gets the tokens of a login.
    #[must_use]
    pub fn may_replace_unreadable(&self) -> bool {
        let replaces = |change: &Change<T>| change.stage.may_replace();
        let activity = self.0.activity.as_ref();
        activity.is_some_and(|activity| activity.changes.iter().any(replaces))
    }

    /// Returns the login whose code this change has sent.
    #[must_use]
    pub fn exchanged_login(&self, id: ChangeId) -> Option<Login> {
        let activity = self.0.activity.as_ref()?;
        let change = activity.changes.iter().find(|change| change.id == id)?;
        match change.stage {
            ChangeStage::Exchanging { login, .. } => Some(login),
            _ => None,
        }
    }

    /// Returns whether a revocation is claimed or in flight.
    #[must_use]
    pub fn is_revoking(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| !matches!(activity.revocation, Revocation::None))
    }

    /// Returns whether a refresh job is running whose outcome callers can wait for.
    #[must_use]
    pub fn awaits_refresh(&self) -> bool {
        self.0.can_join()
    }

    /// Returns whether a job waits for another process's attempt.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.watches())
    }

    /// Returns when the store last answered; 0: never.
    #[must_use]
    pub fn compared_at(&self) -> EngineInstant {
        self.0.compared_at
    }

    /// Returns whether a refresh job is running.
    #[must_use]
    pub fn is_refreshing(&self) -> bool {
        self.0
            .activity
            .as_ref()
            .is_some_and(|activity| activity.refresh.is_some())
    }
}

/// Dispatches an input to the handler that it concerns.
fn dispatch<T: Payload>(turn: &mut Turn<'_, T>, input: Input<T>) {
    let reply = match input {
        Input::Wanted { replayable } => CallerHandler(turn).handle_wanted(replayable),
        Input::WaitedLong => CallerHandler(turn).handle_waited_long(),
        Input::Refresh => CallerHandler(turn).handle_refresh(),
        Input::Due { listed } => CallerHandler(turn).handle_due(listed),
        Input::Compare => CallerHandler(turn).handle_compare(),
        Input::Rejected(version) => CallerHandler(turn).handle_rejected(version),
        Input::Judged { version, accepted } => {
            return CallerHandler(turn).handle_judged(version, accepted);
        }
        Input::Changed { version, in_use } => {
            return CallerHandler(turn).handle_changed(version, in_use);
        }
        Input::Unwatched { watched, in_use } => {
            return CallerHandler(turn).handle_unwatched(watched, in_use);
        }
        Input::Login(id, flow) => return start_login(turn, id, flow, None),
        Input::DeviceLogin(id, flow, polling) => {
            return start_login(turn, id, flow, Some(Polls::new(polling)));
        }
        Input::Abandon(id) => return ChangeHandler(turn).handle_abandon(id),
        Input::Adopt(id, payload) => {
            RevocationHandler(turn).skip_pause();
            return ChangeHandler(turn).start(id, ChangeStage::Adopt(payload), None);
        }
        Input::Disconnect(id) => {
            RevocationHandler(turn).skip_pause();
            return ChangeHandler(turn).start(id, ChangeStage::Disconnect(None), None);
        }
        Input::Forget(id) => {
            return ChangeHandler(turn).start(id, ChangeStage::Forget { target: None }, None);
        }
        Input::Read(answer) => return StoreHandler(turn).handle_read(answer),
        Input::Wrote(outcome) => return StoreHandler(turn).handle_wrote(outcome),
        Input::Answered(candidate, answer, code) => {
            return answered(turn, candidate, answer, code);
        }
        Input::Revoked(outcome) => return RevocationHandler(turn).handle_revoked(outcome),
        Input::Elapsed(Timer::Write) | Input::Closing => {
            return StoreHandler(turn).end_write_pause();
        }
        Input::Elapsed(Timer::Renew) => return turn.handle_renew_timer(),
        Input::Elapsed(Timer::Poll) => return turn.handle_poll_timer(),
        Input::Elapsed(Timer::Device(id)) => return ChangeHandler(turn).handle_device_timer(id),
        Input::Elapsed(Timer::Revoke) => return RevocationHandler(turn).handle_timer(),
        Input::Died(Operation::Read) => {
            return StoreHandler(turn).handle_read(StoreAnswer::Failed { hung: false });
        }
        Input::Died(Operation::Write) => return StoreHandler(turn).handle_wrote(Outcome::Failed),
        Input::Died(Operation::Send(candidate)) => {
            return answered(turn, candidate, Answer::Ambiguous, None);
        }
        Input::Died(Operation::Revoke) => {
            return RevocationHandler(turn).handle_revoked(Revoked::Unavailable);
        }
    };
    turn.actions.reply = Some(reply);
}

fn start_login<T: Payload>(turn: &mut Turn<'_, T>, id: ChangeId, flow: Flow, polls: Option<Polls>) {
    RevocationHandler(turn).skip_pause();
    let (claim, lapsed) = (None, None);
    let stage = ChangeStage::Login {
        flow,
        claim,
        lapsed,
    };
    ChangeHandler(turn).start(id, stage, polls);
}

fn answered<T: Payload>(
    turn: &mut Turn<'_, T>,
    candidate: Candidate,
    answer: Answer<T>,
    code: Option<String>,
) {
    match candidate {
        Candidate::Refresh => RefreshHandler(turn).handle_answered(answer, code),
        Candidate::Login(id) => ChangeHandler(turn).handle_answered(id, answer),
    }
}
