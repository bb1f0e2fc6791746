//! The deadlines of waiters: one task, with one timer, watches those of a round.

use std::{sync::Arc, task::Waker, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use super::Round;

/// The shortest time between two checks of the deadlines.
const TICK: Duration = Duration::from_millis(10);

impl Round {
    /// Watches the deadlines of the waiters on the engine's runtime.
    pub(crate) fn watch_deadlines(self: &Arc<Self>, runtime: &Handle) {
        let now = Instant::now();
        if self.lock().next_check.replace(now).is_some() {
            self.recheck.notify_one();
            return;
        }
        let (round, guard) = (self.clone(), WatchedGuard(Some(self.clone())));
        runtime.spawn(async move {
            let mut guard = guard;
            while let Some(next) = round.wake_late() {
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = round.recheck.notified() => {}
                }
            }
            // Another task may watch the deadlines by now.
            guard.0 = None;
        });
    }

    /// Wakes the waiters whose deadline passed. Returns the time of the next check; `None` if no
    /// waiter is left.
    fn wake_late(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        let (late, next) = state.waiters.expire(now);
        let next = next.map(|deadline| deadline.max(now + TICK));
        state.next_check = next;
        drop(state);
        late.into_iter().for_each(Waker::wake);
        next
    }
}

/// Allows another task to watch the deadlines if the runtime drops this one.
struct WatchedGuard(Option<Arc<Round>>);

impl Drop for WatchedGuard {
    fn drop(&mut self) {
        if let Some(round) = &self.0 {
            round.lock().next_check = None;
        }
    }
}
