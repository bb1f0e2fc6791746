//! Replies to callers whose token the API rejected.

use super::{
    callers::{CallerHandler, wait},
    jobs::Urgency,
    refresh::RefreshHandler,
};
use crate::{
    action::{Failure, Notice, Queue, Reply},
    payload::Payload,
    record::TokenVersion,
};

impl<T: Payload> CallerHandler<'_, '_, T> {
    /// Handles [`Input::Rejected`](crate::Input::Rejected): the API rejected a token.
    pub(super) fn handle_rejected(&mut self, rejected: TokenVersion) -> Reply {
        if self.0.state.known.is_none() {
            // The account was dropped from memory while the request was in flight.
            self.request_comparison();
            return wait(Queue::Comparison);
        }
        let Some(live) = self.0.live().cloned() else {
            return Reply::Fail(self.0.without_tokens());
        };
        if live.token_version() != rejected {
            let served = self
                .0
                .state
                .served
                .as_ref()
                .and_then(|served| served.token_version());
            return match served {
                // A newer token set has arrived and is being written.
                Some(version) if version == rejected && self.can_join() => wait(Queue::Refresh),
                Some(version) if version == rejected => wait(Queue::Comparison),
                _ => Reply::Current,
            };
        }
        let rejections = self.0.active().and_then(|activity| activity.rejections);
        let held_off = rejections.and_then(|rejections| rejections.held_off_until);
        if held_off.is_some_and(|until| self.0.cx.now < until) {
            return Reply::HeldOff;
        }
        if self.can_join() {
            return wait(Queue::Refresh);
        }
        if self.0.is_critical() {
            return Reply::Fail(Failure::Store);
        }
        if let Some(failure) = self.0.obstacle(&live, Urgency::Usual) {
            return Reply::Fail(failure);
        }
        RefreshHandler(self.0).start(Some(rejected), true, Urgency::Usual);
        wait(Queue::Refresh)
    }

    /// Handles [`Input::Judged`](crate::Input::Judged): a token set that a rejection led to is on
    /// trial until a response accepts it.
    pub(super) fn handle_judged(&mut self, version: TokenVersion, accepted: bool) {
        let (rules, now) = (self.0.cx.rules, self.0.cx.now);
        let Some(rejections) = self
            .0
            .state
            .activity
            .as_mut()
            .and_then(|a| a.rejections.as_mut())
        else {
            return;
        };
        let Some(trial) = rejections.trial else {
            return;
        };
        if accepted {
            if version >= trial {
                self.0.activity().rejections = None;
            }
        } else if version == trial && rejections.held_off_until.is_none() {
            // A fresh token was rejected too, so the token is not the cause.
            let most = rules.rejection_most.max(rules.rejection_first);
            let wait = rejections
                .wait
                .saturating_mul(2)
                .clamp(rules.rejection_first, most);
            rejections.wait = wait;
            rejections.held_off_until = Some(now.after(wait));
            self.0.emit(Notice::RejectionsHeldOff(wait));
        }
    }
}
