//! The refresh job: from the request for a new token to the write of its outcome.

mod answer;
mod note;
mod watching;

use super::{
    jobs::{Claim, Presented, RefreshJob, RefreshStage, Urgency},
    turn::Turn,
};
use crate::{
    action::{Action, Failure, Notice, Queue},
    fact::Fact,
    mutation::{Mutation, broken},
    operation::Candidate,
    payload::Payload,
    record::{Attempt, Live, State, TokenVersion},
    rules::TRIES,
};

/// Drives the refresh job.
pub(super) struct RefreshHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> RefreshHandler<'_, '_, T> {
    /// Starts a job; none must be running.
    pub(super) fn start(&mut self, wanted: Option<TokenVersion>, rejected: bool, urgency: Urgency) {
        // A login elsewhere may have made a refresh possible that memory rules out.
        let check = match self.0.live() {
            Some(live) => live.is_dead(),
            None => true,
        };
        self.0.activity().refresh = Some(RefreshJob {
            wanted,
            rejected,
            urgency,
            check,
            late: 0,
            resolved: false,
            stage: RefreshStage::Starting,
        });
    }

    /// Advances the job as far as possible.
    pub(super) fn advance(&mut self) {
        while let Some(job) = self.0.refresh_job() {
            let goes_on = match &job.stage {
                RefreshStage::Starting | RefreshStage::Claiming(_) => self.decide(),
                RefreshStage::Watching(watch) => self.check_watch(*watch),
                RefreshStage::Settling(_) => self.settle(),
                RefreshStage::Exchanging(_) => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn job(&mut self) -> &mut RefreshJob {
        let job = self.0.activity().refresh.as_mut();
        job.expect("it is asked for only while there is one")
    }

    fn set_stage(&mut self, stage: RefreshStage) -> bool {
        self.job().stage = stage;
        true
    }

    /// Decides whether the token may be presented. Returns whether the job can advance further.
    fn decide(&mut self) -> bool {
        if self.0.cx.closing && !matches!(self.job().stage, RefreshStage::Claiming(_)) {
            return self.finish(Err(Failure::Closing));
        }
        let failed = self.0.store_failed();
        if self.job().check {
            if !failed {
                return false;
            }
            if self.0.state.known.is_none() {
                return self.finish(Err(Failure::Store));
            }
            // A refusal stands unless the store shows that it was superseded.
            self.job().check = false;
        }
        let starting = matches!(self.job().stage, RefreshStage::Starting);
        if starting && self.0.activity().read.is_some() {
            // The read may show another process's attempt, or newer tokens.
            return false;
        }
        let Some(live) = self.0.live().cloned() else {
            let failure = self.0.without_tokens();
            return self.finish(Err(failure));
        };
        let version = live.token_version();
        let wanted = *self.job().wanted.get_or_insert(version);
        if wanted != version && !broken(Mutation::RefreshesThoughSuperseded) {
            // The newer tokens may still be on their way to the store.
            return self.set_stage(RefreshStage::Settling(Ok(None)));
        }
        if let RefreshStage::Claiming(claim) = self.job().stage {
            let landed = live
                .attempt
                .as_ref()
                .is_some_and(|attempt| attempt.id == claim.id);
            if landed && live.refusal().is_some() {
                // Another process was refused before this one sent anything.
                self.withdraw();
                return self.set_stage(RefreshStage::Starting);
            }
            if landed || broken(Mutation::NoAttempt) {
                return self.present(&live, claim);
            }
            if failed && self.0.gives_up() {
                return self.finish(Err(Failure::Store));
            }
        }
        if let Some(attempt) = live.attempt.as_deref() {
            let Some(version) = self.0.state.base else {
                // The store lost the record. It is restored with the attempt, which is watched
                // then.
                self.set_stage(RefreshStage::Starting);
                return failed && self.0.gives_up() && self.finish(Err(Failure::Store));
            };
            let watch = self.0.watch(attempt, version);
            self.set_stage(RefreshStage::Watching(watch));
            return false;
        }
        let urgency = self.job().urgency;
        if let Some(failure) = self.0.obstacle(&live, urgency) {
            return self.finish(Err(failure));
        }
        let conflict = self.0.conflict;
        if let RefreshStage::Claiming(claim) = &mut self.job().stage {
            if conflict {
                // A conflict shows that the claim is not in the store; the next write restarts the
                // lease.
                claim.since = None;
            }
        } else {
            self.claim();
        }
        false
    }

    /// Claims the refresh: the next write records the attempt.
    fn claim(&mut self) {
        let claim = Claim {
            id: self.0.cx.ids[0],
            since: None,
        };
        self.set_stage(RefreshStage::Claiming(claim));
    }

    /// Presents the token of an attempt that is in the store, if its lease has room.
    fn present(&mut self, live: &Live<T>, claim: Claim) -> bool {
        let rules = self.0.cx.rules;
        let late = !rules.may_send(claim.age(self.0.cx));
        if late && !broken(Mutation::SendsTooLate) {
            // Another process may consider this lease expired before the answer comes, so nothing
            // is sent and the attempt is withdrawn.
            self.set_stage(RefreshStage::Starting);
            self.withdraw();
            let job = self.job();
            job.late += 1;
            if job.late >= TRIES {
                return self.finish(Err(Failure::TooLate));
            }
            return true;
        }
        let digest = live.payload.refresh_digest().unwrap_or_default();
        let presented = Presented {
            attempt: Attempt::new(claim.id, digest, rules),
            authorization: live.authorization,
            generation: live.generation,
            count: live.presented,
            renew: self.0.arm_renewal(claim.age(self.0.cx)),
        };
        self.set_stage(RefreshStage::Exchanging(presented));
        self.0.act(Action::Send {
            candidate: Candidate::Refresh,
            payload: Some(live.payload.clone()),
        });
        false
    }

    /// Withdraws an attempt whose request was not sent.
    fn withdraw(&mut self) {
        self.0.edit(false, |record| {
            if let State::Live(live) = &mut record.state {
                live.attempt = None;
                live.presented = live.presented.saturating_sub(1);
            }
        });
    }

    /// Ends the job once its outcome is written. If a write fails, its waiters are woken earlier.
    fn settle(&mut self) -> bool {
        let RefreshStage::Settling(settled) = self.job().stage.clone() else {
            return false;
        };
        let refused = matches!(settled, Err(Failure::Reauthorize(_)));
        let alive = |live: &Live<T>| live.reauthorize().is_none();
        if refused && !self.job().resolved && self.0.live().is_some_and(alive) {
            // Another process took the attempt over, or has new tokens already.
            return self.set_stage(RefreshStage::Starting);
        }
        let activity = self.0.activity();
        if activity.has_settled() {
            self.record_refusal(&settled);
            return self.finish(settled);
        }
        if activity.behind && !self.job().resolved {
            self.job().resolved = true;
            let result = self.outcome(&settled);
            self.0.resolve(Queue::Refresh, result);
        }
        false
    }

    /// Records that the refresh token was refused, if that is the outcome.
    fn record_refusal(&mut self, settled: &Result<Option<TokenVersion>, Failure>) {
        let number = self.0.live().map(|live| live.authorization.number);
        if let (Err(Failure::Reauthorize(cause)), Some(number)) = (settled, number) {
            let cause = cause.clone();
            self.0.audit(Fact::Refused { number, cause });
        }
    }

    /// Returns the result for the waiters.
    fn outcome(&self, settled: &Result<Option<TokenVersion>, Failure>) -> Result<(), Failure> {
        match (settled, self.0.live()) {
            (Err(failure), _) => Err(failure.clone()),
            (Ok(_), Some(_)) => Ok(()),
            (Ok(_), None) => Err(self.0.without_tokens()),
        }
    }

    fn finish(&mut self, settled: Result<Option<TokenVersion>, Failure>) -> bool {
        let result = self.outcome(&settled);
        let Some(job) = self.0.activity().refresh.take() else {
            return false;
        };
        let current = self.0.live().map(Live::token_version);
        if let Ok(Some(version)) = settled
            && current == Some(version)
        {
            let activity = self.0.activity();
            activity.reported_refused = false;
            if job.rejected {
                let rejections = activity.rejections.get_or_insert_default();
                rejections.trial = Some(version);
                rejections.held_off_until = None;
            }
            self.0.emit(Notice::Refreshed(version));
            self.0.audit(Fact::Refreshed(version));
        }
        if !job.resolved && !broken(Mutation::WaitersForgotten) {
            self.0.resolve(Queue::Refresh, result);
        }
        false
    }
}
