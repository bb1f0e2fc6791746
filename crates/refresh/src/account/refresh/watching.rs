//! Watches another process's attempt.

use std::sync::Arc;

use super::{
    super::{
        jobs::RefreshStage,
        watch::{Observation, Watch},
    },
    RefreshHandler,
};
use crate::{
    action::Failure,
    mutation::{Mutation, broken},
    payload::Payload,
    record::State,
};

impl<T: Payload> RefreshHandler<'_, '_, T> {
    /// Handles what the last read shows about another process's attempt. Returns whether the job
    /// can advance further.
    pub(super) fn check_watch(&mut self, mut watch: Watch) -> bool {
        if self.0.cx.closing {
            return self.finish(Err(Failure::Closing));
        }
        let (now, rules) = (self.0.cx.monotonic, self.0.cx.rules);
        let Some(observed) = self.0.observed else {
            return false;
        };
        let observation = watch.observe(observed, now, rules);
        let lapsed = observation == Observation::Lapsed || broken(Mutation::LeaseExpiresAtOnce);
        if observation == Observation::Unchanged && !lapsed {
            self.0.arm_poll_timer();
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
        self.set_stage(RefreshStage::Starting)
    }
}
