//! Handles the token endpoint's answer to a refresh.

use super::{
    super::jobs::{Presented, RefreshStage},
    RefreshHandler,
};
use crate::{
    action::{Action, Failure, Notice},
    fact::Fact,
    input::Answer,
    mutation::{Mutation, broken},
    operation::Candidate,
    payload::Payload,
    record::{FailureClass, Live, State},
};

impl<T: Payload> RefreshHandler<'_, '_, T> {
    /// Handles the end of the token request.
    pub(in crate::account) fn handle_answered(&mut self, answer: Answer<T>, code: Option<String>) {
        let Some(RefreshStage::Exchanging(presented)) =
            self.0.refresh_job().map(|job| job.stage.clone())
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
                self.set_stage(RefreshStage::Settling(Ok(None)));
                return;
            }
            let next = Live {
                generation: presented.generation + 1,
                born_of: presented.count,
                ..Live::first(presented.authorization, payload)
            };
            let version = next.token_version();
            self.set_stage(RefreshStage::Settling(Ok(Some(version))));
            self.0.merge_tokens(next);
            return;
        }
        if !current || !ours {
            // The answer was superseded. A refusal still decides what follows the attempt that
            // superseded it, unless that brings tokens.
            if let Answer::Terminal { code } = answer
                && current
                && !broken(Mutation::LateRefusalDropped)
            {
                let (wall, number) = (self.0.cx.wall, presented.authorization.number);
                let mut cause = None;
                self.0.edit(true, |record| {
                    if let State::Live(live) = &mut record.state {
                        live.note_class(FailureClass::Terminal, code.clone(), wall);
                        cause = Some(live.refuse(code));
                    }
                });
                if let Some(cause) = cause {
                    self.0.audit(Fact::Refused { number, cause });
                }
            }
            let settled = match self.0.live() {
                Some(_) if current => Err(Failure::Backoff(self.0.cx.rules.backoff_first)),
                Some(_) => Ok(None),
                None => Err(self.0.without_tokens()),
            };
            self.set_stage(RefreshStage::Settling(settled));
            return;
        }
        self.note(answer, code, presented);
    }

    /// Records a failed refresh in the account's record, for all processes.
    fn note(&mut self, answer: Answer<T>, code: Option<String>, presented: Presented) {
        let cut = matches!(answer, Answer::Ambiguous);
        let answered_before = self.0.live().is_some_and(|live| !live.unanswered);
        let mut failure = Failure::Store;
        let (wall, roll, rules) = (self.0.cx.wall, self.0.cx.roll(), self.0.cx.rules);
        let before = self.0.state.known.clone();
        let critical = matches!(answer, Answer::Terminal { .. });
        self.0.edit(critical, |record| {
            if let State::Live(live) = &mut record.state {
                live.attempt = None;
                failure = live.note(answer, code, rules, wall, roll);
            }
        });
        self.0.restart_pause(before.as_deref());
        if cut && broken(Mutation::ReplayUnderOldAttempt) && answered_before {
            let payload = self.0.live().map(|live| live.payload.clone());
            self.set_stage(RefreshStage::Exchanging(presented));
            self.0.act(Action::Send {
                candidate: Candidate::Refresh,
                payload,
            });
            return;
        }
        if cut && answered_before && !matches!(failure, Failure::Reauthorize(_)) {
            // The first replay is sent at once: its claim is written together with the failure.
            self.claim();
            return;
        }
        if let Failure::Backoff(pause) = &failure {
            let reason = self.0.failure_reason();
            self.0.emit(Notice::RefreshFailed(*pause, reason));
        }
        if let Some(since) = self.0.live().and_then(|live| live.failures.refused_since) {
            let activity = self.0.activity();
            if !std::mem::replace(&mut activity.reported_refused, true) {
                let reason = self.0.failure_reason();
                self.0.emit(Notice::RefusedWithoutReason(since, reason));
            }
        }
        self.set_stage(RefreshStage::Settling(Err(failure)));
    }
}
