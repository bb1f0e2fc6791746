//! Watches another process's attempt.

use std::sync::Arc;

use super::{
    super::{
        jobs::RefreshStage,
        turn::Observed,
        watch::{Observation, Watch},
    },
    RefreshHandler,
};
use crate::{
    action::{Action, Failure},
    mutation::{Mutation, broken},
    operation::Timer,
    payload::Payload,
    record::State,
};

impl<T: Payload> RefreshHandler<'_, '_, T> {
    /// Handles the timer: reads another process's attempt again.
    pub(in crate::account) fn handle_poll_timer(&mut self) {
        self.0.activity().poll_armed = false;
        let job = self.0.refresh_job();
        if job.is_some_and(|job| matches!(job.stage, RefreshStage::Watching(_))) {
            self.0.activity().compare = true;
        }
    }

    /// Handles what the last read shows about another process's attempt. Returns whether the job
    /// can advance further.
    pub(super) fn check_watch(&mut self, mut watch: Watch) -> bool {
        if self.0.cx.closing {
            return self.finish(Err(Failure::Closing));
        }
        let (now, rules) = (self.0.cx.monotonic, self.0.cx.rules);
        let observation = match self.0.observed {
            None => return false,
            Some(Observed::Failed { hung }) => {
                watch.failed(hung, now, rules);
                Observation::Unchanged
            }
            Some(Observed::Version(version)) => watch.read(version, now, rules),
        };
        let lapsed = observation == Observation::Lapsed || broken(Mutation::LeaseExpiresAtOnce);
        if observation == Observation::Unchanged && !lapsed {
            self.arm_poll_timer();
            self.set_stage(RefreshStage::Watching(watch));
            return false;
        }
        if observation != Observation::Changed {
            // The lease expired. The next attempt records that, unless the token was refused.
            if self.0.live().is_some_and(|live| live.refusal().is_some()) {
                self.0.edit(true, |record| {
                    if let State::Live(live) = &mut record.state {
                        live.attempt = None;
                    }
                });
            }
            let known = self.0.state.known.as_mut();
            if let Some(State::Live(live)) = known.map(|known| &mut Arc::make_mut(known).state) {
                live.attempt = None;
                live.unanswered |= !broken(Mutation::LapsedCountsAsAnswered);
            }
        }
        // The observation is used up; the next stage starts from the known record.
        self.0.observed = None;
        self.set_stage(RefreshStage::Starting)
    }

    pub(super) fn arm_poll_timer(&mut self) {
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
}
