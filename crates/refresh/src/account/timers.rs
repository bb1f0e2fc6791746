//! The timers that poll another process's attempt and renew the leases of this one.

use std::time::Duration;

use tokenkeeper_store::Version;

use super::{
    jobs::{ChangeStage, RefreshStage},
    state::Activity,
    turn::Turn,
    watch::Watch,
};
use crate::{action::Action, operation::Timer, payload::Payload, record::Attempt};

impl<T: Payload> Turn<'_, T> {
    /// Handles the timer: reads another process's attempt again.
    pub(super) fn handle_poll_timer(&mut self) {
        let activity = self.activity();
        activity.poll_armed = false;
        activity.compare |= activity.watches();
    }

    /// Starts to watch another process's attempt, which the record has at `version`.
    pub(super) fn watch(&mut self, attempt: &Attempt, version: Version) -> Watch {
        self.arm_poll_timer();
        let lease = Duration::from_millis(attempt.lease);
        Watch::new(version, lease, self.cx.monotonic)
    }

    pub(super) fn arm_poll_timer(&mut self) {
        let rules = self.cx.rules;
        // A person decides about a device code within minutes.
        let slow = self.active().is_some_and(Activity::watches_devices_only);
        let pause = if self.cx.watched_since.is_some() || slow {
            rules.poll * 4
        } else {
            rules.poll
        };
        if !std::mem::replace(&mut self.activity().poll_armed, true) {
            self.act(Action::WaitUntil(Timer::Poll, pause));
        }
    }

    /// Renews the leases while the requests are in flight, so that no process considers them
    /// expired.
    pub(super) fn handle_renew_timer(&mut self) {
        let (cx, rules) = (self.cx, self.cx.rules);
        let activity = self.activity();
        activity.renew_armed = false;
        let mut renews = false;
        if let Some(job) = activity.refresh.as_mut()
            && let RefreshStage::Exchanging(presented) = &mut job.stage
        {
            (presented.renew, renews) = (true, true);
        }
        for change in &mut activity.changes {
            if let ChangeStage::Exchanging { renew, .. } = &mut change.stage {
                let after = rules.renew_device_after();
                *renew |= change.polls.is_none_or(|polls| polls.age(cx) >= after);
                renews = true;
            }
        }
        if renews {
            self.arm_renew_timer(self.cx.rules.renew_after());
        }
    }

    /// Arms the renewal of a lease of this age, which is being used now. Returns whether it must be
    /// renewed at once.
    pub(super) fn arm_renewal(&mut self, age: Duration) -> bool {
        let after = self.cx.rules.renew_after();
        self.arm_renew_timer(after.saturating_sub(age));
        age >= after
    }

    pub(super) fn arm_renew_timer(&mut self, pause: Duration) {
        if !std::mem::replace(&mut self.activity().renew_armed, true) {
            self.act(Action::WaitUntil(Timer::Renew, pause));
        }
    }
}
