//! The refresh job: from the wish for a new token to the write of what came of it.

mod note;

use std::time::Duration;

use super::{
    state::{Claim, Presented, RefreshJob, RefreshStage, Urgency},
    turn::{Seen, Turn},
    watch::{Sight, Watch},
};
use crate::{
    action::{Action, Failure, Notice, Queue},
    input::Answer,
    mutation::{Mutation, broken},
    operation::{Candidate, Timer},
    payload::Payload,
    record::{Attempt, Live, State, TokenVersion},
    rules::TRIES,
};

/// Drives the refresh job.
pub(super) struct RefreshHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> RefreshHandler<'_, '_, T> {
    /// Begins a job. There is none yet.
    pub(super) fn start(&mut self, wanted: Option<TokenVersion>, rejected: bool, urgency: Urgency) {
        // A refresh that memory rules out may have become possible elsewhere.
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

    /// Goes as far as what is known allows.
    pub(super) fn advance(&mut self) {
        while let Some(job) = self
            .0
            .active()
            .and_then(|activity| activity.refresh.as_ref())
        {
            let goes_on = match &job.stage {
                RefreshStage::Starting | RefreshStage::Claiming(_) => self.consider(),
                RefreshStage::Watching(watch) => self.watch(*watch),
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

    fn set(&mut self, stage: RefreshStage) -> bool {
        self.job().stage = stage;
        true
    }

    /// Decides by what is known whether the token may be presented. Returns whether there is more
    /// to do at once.
    fn consider(&mut self) -> bool {
        if self.0.cx.closing && !matches!(self.job().stage, RefreshStage::Claiming(_)) {
            return self.end(Err(Failure::Closing));
        }
        let failed = self.0.store_failed();
        if self.job().check {
            if !failed {
                return false;
            }
            if self.0.state.known.is_none() {
                return self.end(Err(Failure::Store));
            }
            // An end that is known holds while the store cannot say that it was undone.
            self.job().check = false;
        }
        let starting = matches!(self.job().stage, RefreshStage::Starting);
        if starting && self.0.activity().read.is_some() {
            // What it shows may be another's attempt, or newer tokens.
            return false;
        }
        let Some(live) = self.0.live().cloned() else {
            let failure = self.0.without_tokens();
            return self.end(Err(failure));
        };
        let version = live.token_version();
        let wanted = *self.job().wanted.get_or_insert(version);
        if wanted != version && !broken(Mutation::RefreshesThoughOvertaken) {
            // Newer tokens may be on their way into the store.
            return self.set(RefreshStage::Settling(Ok(None)));
        }
        if let RefreshStage::Claiming(claim) = self.job().stage {
            let landed = live
                .attempt
                .as_ref()
                .is_some_and(|attempt| attempt.id == claim.id);
            if landed || broken(Mutation::NoAttempt) {
                return self.claimed(&live, claim);
            }
            if failed && self.0.gives_up() {
                return self.end(Err(Failure::Store));
            }
        }
        if let Some(attempt) = live.attempt.as_deref() {
            let Some(version) = self.0.state.base else {
                // The store lost the record: it is put back with the attempt, which is watched
                // then.
                self.set(RefreshStage::Starting);
                return failed && self.0.gives_up() && self.end(Err(Failure::Store));
            };
            let lease = Duration::from_millis(attempt.lease);
            let watch = Watch::new(version, lease, self.0.cx.monotonic);
            self.wait_to_poll();
            self.set(RefreshStage::Watching(watch));
            return false;
        }
        let urgency = self.job().urgency;
        if let Some(failure) = self.0.obstacle(&live, urgency) {
            return self.end(Err(failure));
        }
        let conflict = self.0.conflict;
        if let RefreshStage::Claiming(claim) = &mut self.job().stage {
            if conflict {
                // A conflict shows that it is not in the store; the next write takes the lease
                // again.
                claim.since = None;
            }
        } else {
            self.claim();
        }
        false
    }

    /// Writes the attempt down before anything is sent.
    fn claim(&mut self) {
        let claim = Claim {
            id: self.0.cx.ids[0],
            since: None,
        };
        self.set(RefreshStage::Claiming(claim));
    }

    /// The attempt is in the store.
    fn claimed(&mut self, live: &Live<T>, claim: Claim) -> bool {
        let rules = self.0.cx.rules;
        let late = !rules.may_send(claim.age(self.0.cx));
        if late && !broken(Mutation::SendsTooLate) {
            // Another may think this lease dead by the time the answer came: nothing is sent, and
            // the attempt is taken back.
            self.set(RefreshStage::Starting);
            self.0.edit(false, |record| {
                if let State::Live(live) = &mut record.state {
                    live.attempt = None;
                    live.presented = live.presented.saturating_sub(1);
                }
            });
            let job = self.job();
            job.late += 1;
            if job.late >= TRIES {
                return self.end(Err(Failure::TooLate));
            }
            return true;
        }
        let digest = live.payload.refresh_digest().unwrap_or_default();
        let presented = Presented {
            attempt: Attempt::new(claim.id, digest, rules),
            authorization: live.authorization,
            generation: live.generation,
            count: live.presented,
            renew: false,
        };
        self.set(RefreshStage::Exchanging(presented));
        self.0.act(Action::Send {
            candidate: Candidate::Refresh,
            payload: Some(live.payload.clone()),
        });
        self.wait_to_renew(rules.renew_after().saturating_sub(claim.age(self.0.cx)));
        false
    }

    /// The lease is renewed while the request is in flight, so that no process takes it for dead.
    pub(super) fn renew(&mut self) {
        let activity = self.0.activity();
        activity.renew_armed = false;
        if let Some(job) = activity.refresh.as_mut()
            && let RefreshStage::Exchanging(presented) = &mut job.stage
        {
            presented.renew = true;
            self.wait_to_renew(self.0.cx.rules.renew_after());
        }
    }

    fn wait_to_renew(&mut self, pause: Duration) {
        if !std::mem::replace(&mut self.0.activity().renew_armed, true) {
            self.0.act(Action::WaitUntil(Timer::Renew, pause));
        }
    }

    /// The token endpoint answered, or nothing came.
    pub(super) fn answered(&mut self, answer: Answer<T>) {
        let Some(RefreshStage::Exchanging(presented)) = self
            .0
            .active()
            .and_then(|a| a.refresh.as_ref())
            .map(|job| job.stage.clone())
        else {
            return;
        };
        let current = self.0.live().filter(|live| {
            live.authorization == presented.authorization && live.generation == presented.generation
        });
        let ours = current.is_some_and(|live| {
            let attempt = live.attempt.as_deref();
            attempt.is_none_or(|attempt| attempt.id == presented.attempt.id)
        });
        let current = current.is_some();
        if let Answer::Tokens(payload) = answer {
            if broken(Mutation::LateAnswerDropped) && !ours {
                self.set(RefreshStage::Settling(Ok(None)));
                return;
            }
            let next = Live {
                generation: presented.generation + 1,
                born_of: presented.count,
                ..Live::first(presented.authorization, payload)
            };
            let version = next.token_version();
            self.set(RefreshStage::Settling(Ok(Some(version))));
            self.0.absorb(next);
            return;
        }
        if !current || !ours {
            // What it says was overtaken.
            let settled = match self.0.live() {
                Some(_) if current => Err(Failure::Backoff(self.0.cx.rules.backoff_first)),
                Some(_) => Ok(None),
                None => Err(self.0.without_tokens()),
            };
            self.set(RefreshStage::Settling(settled));
            return;
        }
        self.note(answer, presented);
    }

    /// Writes down what an answer without tokens means, for all processes.
    fn note(&mut self, answer: Answer<T>, presented: Presented) {
        let cut = matches!(answer, Answer::Ambiguous);
        let answered_before = self.0.live().is_some_and(|live| !live.unanswered);
        let mut failure = Failure::Store;
        let (wall, roll, rules) = (self.0.cx.wall, self.0.cx.roll(), self.0.cx.rules);
        let before = self.0.state.known.clone();
        let precious = matches!(answer, Answer::Terminal { .. });
        self.0.edit(precious, |record| {
            if let State::Live(live) = &mut record.state {
                live.attempt = None;
                failure = live.note(answer, rules, wall, roll);
            }
        });
        self.0.restart_pause(before.as_deref());
        if cut && broken(Mutation::ReplayUnderOldAttempt) && answered_before {
            let payload = self.0.live().map(|live| live.payload.clone());
            self.set(RefreshStage::Exchanging(presented));
            self.0.act(Action::Send {
                candidate: Candidate::Refresh,
                payload,
            });
            return;
        }
        if cut && answered_before && !matches!(failure, Failure::Reauthorize(_)) {
            // The first replay goes out at once: its claim is written in place of the note.
            self.claim();
            return;
        }
        if let Failure::Backoff(pause) = &failure {
            self.0.emit(Notice::RefreshFailed(*pause));
        }
        if let Some(since) = self.0.live().and_then(|live| live.failures.refused_since) {
            let activity = self.0.activity();
            if !std::mem::replace(&mut activity.told_refused, true) {
                self.0.emit(Notice::RefusedWithoutReason(since));
            }
        }
        self.set(RefreshStage::Settling(Err(failure)));
    }

    /// Ends the job once its outcome is written, and tells its waiters earlier where the store does
    /// not take it.
    fn settle(&mut self) -> bool {
        let RefreshStage::Settling(settled) = self.job().stage.clone() else {
            return false;
        };
        let activity = self.0.activity();
        if activity.has_settled() {
            return self.end(settled);
        }
        if activity.behind && !self.job().resolved {
            self.job().resolved = true;
            let result = self.outcome(&settled);
            self.0.resolve(Queue::Refresh, result);
        }
        false
    }

    /// What the waiters are told.
    fn outcome(&self, settled: &Result<Option<TokenVersion>, Failure>) -> Result<(), Failure> {
        match (settled, self.0.live()) {
            (Err(failure), _) => Err(failure.clone()),
            (Ok(_), Some(_)) => Ok(()),
            (Ok(_), None) => Err(self.0.without_tokens()),
        }
    }

    fn end(&mut self, settled: Result<Option<TokenVersion>, Failure>) -> bool {
        let result = self.outcome(&settled);
        let Some(job) = self.0.activity().refresh.take() else {
            return false;
        };
        let current = self.0.live().map(Live::token_version);
        if let Ok(Some(version)) = settled
            && current == Some(version)
        {
            let activity = self.0.activity();
            activity.told_refused = false;
            if job.rejected {
                let rejections = activity.rejections.get_or_insert_default();
                rejections.trial = Some(version);
                rejections.held_off_until = None;
            }
            self.0.emit(Notice::Refreshed(version));
        }
        if !job.resolved && !broken(Mutation::WaitersForgotten) {
            self.0.resolve(Queue::Refresh, result);
        }
        false
    }

    fn wait_to_poll(&mut self) {
        let rules = self.0.cx.rules;
        let pause = if self.0.cx.notified {
            rules.poll * 4
        } else {
            rules.poll
        };
        if !std::mem::replace(&mut self.0.activity().poll_armed, true) {
            self.0.act(Action::WaitUntil(Timer::Poll, pause));
        }
    }

    /// It is time to look at another's attempt again.
    pub(super) fn poll(&mut self) {
        self.0.activity().poll_armed = false;
        let job = self
            .0
            .active()
            .and_then(|activity| activity.refresh.as_ref());
        if job.is_some_and(|job| matches!(job.stage, RefreshStage::Watching(_))) {
            self.0.activity().compare = true;
        }
    }

    /// What the last read says of another's attempt.
    fn watch(&mut self, mut watch: Watch) -> bool {
        if self.0.cx.closing {
            return self.end(Err(Failure::Closing));
        }
        let (now, rules) = (self.0.cx.monotonic, self.0.cx.rules);
        let sight = match self.0.seen {
            None => return false,
            Some(Seen::Nothing { hung }) => {
                watch.failed(hung, now, rules);
                Sight::Standing
            }
            Some(Seen::Version(version)) => watch.read(version, now, rules),
        };
        let lapsed = sight == Sight::Lapsed || broken(Mutation::LeaseByWallClock);
        if sight == Sight::Standing && !lapsed {
            self.wait_to_poll();
            self.set(RefreshStage::Watching(watch));
            return false;
        }
        if sight != Sight::Changed {
            // No process holds it any more. That is written with the next attempt.
            let known = self.0.state.known.as_mut();
            if let Some(State::Live(live)) =
                known.map(|known| &mut std::sync::Arc::make_mut(known).state)
            {
                live.attempt = None;
                live.unanswered |= !broken(Mutation::LapsedCountsAsAnswered);
            }
        }
        // What was seen has been dealt with; the next stage begins by what is known.
        self.0.seen = None;
        self.set(RefreshStage::Starting)
    }
}
