//! What callers are told: to send the token that is served, to wait, or why there is none.

use super::{
    jobs::{RefreshStage, Urgency},
    obstacle::lasting_obstacle,
    refresh::RefreshHandler,
    state::Writing,
    turn::Turn,
};
use crate::{
    action::{Failure, Notice, Queue, Reply},
    instant::EngineInstant,
    mutation::{Mutation, broken},
    payload::Payload,
    record::{Live, Record, TokenVersion},
    rules::StoreDown,
};

/// Answers callers.
pub(super) struct CallerHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> CallerHandler<'_, '_, T> {
    /// A caller needs a token.
    pub(super) fn handle_wanted(&mut self, replayable: bool) -> Reply {
        let now = self.0.cx.now;
        let valid = self.is_valid();
        if !valid && self.can_join() {
            return wait(Queue::Refresh);
        }
        let overdue = if valid {
            self.is_overdue()
        } else {
            self.is_comparison_due()
        };
        if overdue && !self.can_refresh(valid) {
            if self.has_trouble() {
                return self.serve_or(Failure::Store);
            }
            self.request_comparison();
            return Reply::Wait {
                queue: Queue::Comparison,
                briefly: valid,
            };
        }
        let Some(live) = self.0.live().cloned() else {
            return Reply::Fail(self.0.without_tokens());
        };
        let withheld = broken(Mutation::WithheldWhileRefreshing) && self.can_join();
        if valid && (replayable || !self.may_die()) && !withheld {
            self.start_what_is_due(now);
            return Reply::Serve;
        }
        if self.can_join() {
            return wait(Queue::Refresh);
        }
        if let Some(failure) = lasting_obstacle(&live) {
            return Reply::Fail(failure);
        }
        if self.0.is_critical() {
            // New tokens are being written, or could not be.
            let writes = self
                .0
                .active()
                .is_some_and(|activity| matches!(activity.write, Writing::InFlight { .. }));
            return if writes && self.0.state.served.is_none() {
                wait(Queue::Comparison)
            } else {
                Reply::Fail(Failure::Store)
            };
        }
        if let Some(failure) = self.0.obstacle(&live, Urgency::Usual) {
            return Reply::Fail(failure);
        }
        if self.has_trouble() {
            return Reply::Fail(Failure::Store);
        }
        RefreshHandler(self.0).start(Some(live.token_version()), false, Urgency::Usual);
        wait(Queue::Refresh)
    }

    /// An expired token needs no comparison: the write of the attempt is one.
    fn can_refresh(&self, valid: bool) -> bool {
        let live = self.0.live();
        !valid && live.is_some_and(|live| self.0.obstacle(live, Urgency::Usual).is_none())
    }

    /// A caller may wait no longer.
    pub(super) fn handle_waited_long(&mut self) -> Reply {
        if !self.is_valid() {
            return Reply::Fail(Failure::Timeout);
        }
        self.serve_or(Failure::Timeout)
    }

    /// A caller wants a new token.
    pub(super) fn handle_refresh(&mut self) -> Reply {
        let job = self.0.refresh_job();
        match job {
            Some(job) if job.resolved => return Reply::Fail(Failure::Store),
            Some(_) => {}
            None => {
                let wanted = self.0.live().map(Live::token_version);
                RefreshHandler(self.0).start(wanted, false, Urgency::Forced);
            }
        }
        wait(Queue::Refresh)
    }

    /// The refresher looks after the account.
    pub(super) fn handle_due(&mut self, listed: bool) -> Reply {
        let urgency = if listed {
            Urgency::Listed
        } else {
            Urgency::Usual
        };
        let known = self.0.state.known.clone();
        let Some(live) = known.as_deref().and_then(Record::live) else {
            return Reply::Serve;
        };
        let job = self.0.refresh_job();
        if let Some(job) = job {
            return if job.resolved {
                Reply::Fail(Failure::Store)
            } else {
                wait(Queue::Refresh)
            };
        }
        if let Some(failure) = self.0.obstacle(live, urgency) {
            return Reply::Fail(failure);
        }
        RefreshHandler(self.0).start(Some(live.token_version()), false, urgency);
        wait(Queue::Refresh)
    }

    /// A caller wants memory to be compared with the store now.
    pub(super) fn handle_compare(&mut self) -> Reply {
        let activity = self.0.activity();
        let busy = activity.read.is_some() || matches!(activity.write, Writing::InFlight { .. });
        if busy {
            activity.recheck = true;
        } else {
            self.request_comparison();
        }
        wait(Queue::Comparison)
    }

    /// The API rejected a token.
    pub(super) fn handle_rejected(&mut self, rejected: TokenVersion) -> Reply {
        if self.0.state.known.is_none() {
            // It was dropped from memory while the request was in flight.
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
                // A newer one has come, and is about to be written.
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

    /// The API judged a request: a token that a rejection is_own_change is on trial until a response
    /// accepts it.
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
            // It is not the token that is wrong.
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

    /// The token that is served has not expired.
    fn is_valid(&self) -> bool {
        self.0.state.served.is_some() && self.0.cx.now < self.0.state.schedule.expires_at
    }

    /// What is in memory must be compared with the store before it is used.
    fn is_overdue(&self) -> bool {
        let state = &self.0.state;
        if self.0.is_critical() {
            return false;
        }
        state.known.is_none() || self.0.cx.now >= super::publish::overdue_at(self.0)
    }

    /// The store was not asked for an interval.
    fn is_comparison_due(&self) -> bool {
        let due = self.0.state.compared_at.after(self.0.cx.rules.revalidation);
        self.is_overdue() || self.0.cx.now >= due && !self.0.is_critical()
    }

    fn has_trouble(&self) -> bool {
        let trouble = self.0.active().and_then(|activity| activity.trouble);
        trouble.is_some_and(|trouble| self.0.cx.now < trouble.until)
    }

    /// A request that cannot be sent twice must not go out: the token may die of a refresh in
    /// flight.
    fn may_die(&self) -> bool {
        self.0.state.replayable_only
    }

    /// There is a refresh whose outcome callers can wait for.
    fn can_join(&self) -> bool {
        let job = self.0.refresh_job();
        job.is_some_and(|job| !job.resolved)
    }

    fn request_comparison(&mut self) {
        self.0.activity().compare = true;
    }

    /// Serves a token that is valid though it could not be compared with the store, where the
    /// options allow it.
    fn serve_or(&mut self, failure: Failure) -> Reply {
        let overdue = self.is_overdue();
        let refuses = self.0.cx.rules.store_down == StoreDown::Refuse;
        if !self.is_valid() || overdue && refuses {
            return Reply::Fail(failure);
        }
        if overdue {
            let activity = self.0.activity();
            if !std::mem::replace(&mut activity.reported_unvalidated, true) {
                self.0.emit(Notice::ServedUnvalidated);
            }
        }
        Reply::Serve
    }

    /// Starts a refresh or a comparison in the background.
    fn start_what_is_due(&mut self, now: EngineInstant) {
        let idle = self
            .0
            .active()
            .is_none_or(|activity| activity.refresh.is_none());
        if now >= self.0.state.schedule.stale_at
            && idle
            && !self.0.is_critical()
            && !self.has_trouble()
        {
            let live = self.0.live().cloned();
            if let Some(live) = live.filter(|live| {
                lasting_obstacle(live).is_none() && self.0.obstacle(live, Urgency::Usual).is_none()
            }) {
                RefreshHandler(self.0).start(Some(live.token_version()), false, Urgency::Usual);
                return;
            }
        }
        let due = self.0.state.compared_at.after(self.0.cx.rules.revalidation);
        let pending = self.0.state.tracker.is_pending();
        if (now >= due || pending) && !self.has_trouble() {
            self.request_comparison();
        }
    }

    /// The store tells of a change.
    pub(super) fn handle_changed(
        &mut self,
        version: Option<tokenkeeper_store::Version>,
        in_use: bool,
    ) {
        if !self.0.state.tracker.note_change(version) {
            return;
        }
        // It has a new record, and can be reached.
        if let Some(activity) = self.0.state.activity.as_deref_mut() {
            activity.trouble = None;
        }
        let watches = self.0.refresh_job();
        let watches = watches.is_some_and(|job| matches!(job.stage, RefreshStage::Watching(_)));
        if watches || self.0.state.known.is_some() && in_use {
            self.request_comparison();
        } else if self.0.state.known.is_some() {
            self.0.state.tracker.before_use = true;
        }
    }
}

fn wait(queue: Queue) -> Reply {
    Reply::Wait {
        queue,
        briefly: false,
    }
}
