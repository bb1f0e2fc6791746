//! Replies to callers: serve the published token, wait, or fail.

use tokenkeeper_store::Version;

use super::{
    jobs::Urgency,
    obstacle::lasting_obstacle,
    publish::overdue_at,
    refresh::RefreshHandler,
    state::{Activity, Writing},
    turn::Turn,
};
use crate::{
    action::{Failure, Notice, Queue, Reply},
    input::Watched,
    instant::EngineInstant,
    mutation::{Mutation, broken},
    payload::Payload,
    record::{Live, Record},
    rules::StoreDown,
};

/// Replies to callers, and starts what they need.
pub(super) struct CallerHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> CallerHandler<'_, '_, T> {
    /// Handles [`Input::Wanted`](crate::Input::Wanted): a caller needs a token.
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
            // New tokens are being written, or a write has failed.
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

    /// Returns whether the token is expired and can be refreshed. It then needs no comparison,
    /// since the write of the attempt is one.
    fn can_refresh(&self, valid: bool) -> bool {
        let live = self.0.live();
        !valid && live.is_some_and(|live| self.0.obstacle(live, Urgency::Usual).is_none())
    }

    /// Handles [`Input::WaitedLong`](crate::Input::WaitedLong): a caller's wait has timed out.
    pub(super) fn handle_waited_long(&mut self) -> Reply {
        if !self.is_valid() {
            return Reply::Fail(Failure::Timeout);
        }
        self.serve_or(Failure::Timeout)
    }

    /// Handles [`Input::Refresh`](crate::Input::Refresh): a caller asks for a new token.
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

    /// Handles [`Input::Due`](crate::Input::Due): a refresher visits the account.
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

    /// Handles [`Input::Compare`](crate::Input::Compare): a caller needs a comparison that begins
    /// now.
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

    /// Returns whether the served token has not expired.
    fn is_valid(&self) -> bool {
        self.0.state.is_valid(self.0.cx.now)
    }

    /// Returns whether memory must be compared with the store before it is used.
    fn is_overdue(&self) -> bool {
        let state = &self.0.state;
        if self.0.is_critical() {
            return false;
        }
        state.known.is_none() || self.0.cx.now >= overdue_at(self.0)
    }

    /// Returns whether the last comparison is at least one interval old.
    fn is_comparison_due(&self) -> bool {
        let due = self.due_at();
        self.is_overdue() || self.0.cx.now >= due && !self.0.is_critical()
    }

    /// Returns when the next comparison is due.
    fn due_at(&self) -> EngineInstant {
        let compared_at = self.0.state.compared_at;
        compared_at.after(self.0.cx.revalidation(compared_at))
    }

    /// Returns whether the store failed recently and is not read for now.
    fn has_trouble(&self) -> bool {
        let trouble = self.0.active().and_then(|activity| activity.trouble);
        trouble.is_some_and(|trouble| self.0.cx.now < trouble.until)
    }

    /// Returns whether a refresh in flight may invalidate the served token, so that a request that
    /// cannot be replayed must wait.
    fn may_die(&self) -> bool {
        self.0.state.replayable_only
    }

    /// Returns whether a refresh is running whose outcome callers can wait for.
    pub(super) fn can_join(&self) -> bool {
        self.0.state.can_join()
    }

    pub(super) fn request_comparison(&mut self) {
        self.0.activity().compare = true;
    }

    /// Serves a valid token that could not be compared with the store, if the options allow it.
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

    /// Starts a refresh or a comparison in the background if one is due.
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
        let due = self.due_at();
        let pending = self.0.state.tracker.is_pending();
        if (now >= due || pending) && !self.has_trouble() {
            self.request_comparison();
        }
    }

    /// Handles [`Input::Changed`](crate::Input::Changed): the store notified of a change.
    pub(super) fn handle_changed(&mut self, version: Option<Version>, in_use: bool) {
        if !self.0.state.tracker.note_change(version) {
            return;
        }
        // The store has a new record and is reachable.
        if let Some(activity) = self.0.state.activity.as_deref_mut() {
            activity.trouble = None;
        }
        let watches = self.0.active().is_some_and(Activity::watches);
        if watches || self.0.state.known.is_some() && in_use {
            self.request_comparison();
        } else if self.0.state.known.is_some() {
            self.0.state.tracker.before_use = true;
        }
    }

    /// Handles [`Input::Unwatched`](crate::Input::Unwatched): the store notifies no more.
    pub(super) fn handle_unwatched(&mut self, watched: Watched, in_use: bool) {
        let state = &mut self.0.state;
        if state.compared_at >= watched.since.after(self.0.cx.rules.store_timeout) {
            // Until then no notification was as good as a comparison.
            state.compared_at = state.compared_at.max(watched.until);
        }
        if in_use && state.known.is_some() {
            self.request_comparison();
        }
    }
}

/// Returns the reply to a caller that must wait in this queue.
pub(super) fn wait(queue: Queue) -> Reply {
    Reply::Wait {
        queue,
        briefly: false,
    }
}
