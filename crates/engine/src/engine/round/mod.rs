//! Callers that wait for a job of an account. They need no timer and no runtime: once there is a
//! result they wake each other, and a task on the engine's runtime wakes those that are late.

mod deadlines;
#[cfg(test)]
mod tests;
mod wait;
mod waiters;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, sleep},
};

pub(crate) use self::wait::{Wait, Waited};
use self::waiters::Waiters;
use crate::error::Error;

/// All callers that wait for one result.
#[derive(Debug, Default)]
pub(crate) struct Round {
    state: Mutex<State>,
    /// Notified when the deadlines must be checked again.
    recheck: Notify,
    /// Notified once all waiters are woken.
    all_woken: Notify,
}

/// The state of a round, under its lock.
#[derive(Debug, Default)]
struct State {
    waiters: Waiters,
    /// When a task checks the deadlines next. `None`: no task does.
    next_check: Option<Instant>,
}

/// The number of waiters that are woken at once.
const WIDTH: usize = 16;
/// How long the waiters may wake no other one before a task wakes the rest.
///
/// A future that is woken, but neither polled nor dropped, wakes no other.
const PATIENCE: Duration = Duration::from_millis(10);
/// How many of these times the waiters may need to wake each other.
const PERIODS: usize = 10;

impl Round {
    /// Adds a waiter for at most `wait`. Returns whether a task watches its deadline: if not, it
    /// passes unnoticed.
    #[inline(always)]
    pub(crate) fn join(self: &Arc<Self>, wait: Duration) -> (Wait, bool) {
        let deadline = after(wait);
        let mut state = self.lock();
        let number = state.waiters.join(deadline);
        let next_check = state.next_check;
        drop(state);
        // Most waiters are as patient as those before them, and need no earlier check.
        if next_check.is_some_and(|check| deadline < check) {
            self.recheck.notify_one();
        }
        (Wait::new(self.clone(), number), next_check.is_some())
    }

    /// Sets the result and wakes the waiters: a few at once, and each of them another one, so that
    /// they do not all run at the same moment.
    pub(crate) fn resolve(self: Arc<Self>, result: Result<(), Error>, runtime: Option<&Handle>) {
        let mut state = self.lock();
        let Some(first) = state.waiters.resolve(result, WIDTH) else {
            return;
        };
        let all_woken = state.waiters.are_all_woken();
        let mut woken = state.waiters.woken();
        drop(state);
        self.recheck.notify_one();
        first.into_iter().for_each(Waker::wake);
        if all_woken {
            return;
        }
        let rest = Rest(self);
        if let Some(runtime) = runtime {
            runtime.spawn(async move {
                for _ in 0..PERIODS {
                    tokio::select! {
                        () = sleep(PATIENCE) => {}
                        () = rest.0.all_woken.notified() => return,
                    }
                    // As long as the waiters wake each other, they run in turn without this task.
                    let before = mem::replace(&mut woken, rest.0.lock().waiters.woken());
                    if woken == before {
                        break;
                    }
                }
                while rest.0.wake_some() {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    /// Wakes a few of the waiters that nothing woke yet. Returns whether there are more.
    fn wake_some(&self) -> bool {
        let mut state = self.lock();
        let next = state.waiters.take(WIDTH);
        let more = !state.waiters.are_all_woken();
        drop(state);
        next.into_iter().for_each(Waker::wake);
        more
    }

    /// Removes a waiter, and wakes another one if it carried a wake-up.
    #[cold]
    fn leave(&self, number: u64) {
        let mut state = self.lock();
        let next = state.waiters.leave(number);
        self.wake_next(state, next);
    }

    /// Unlocks the round, and wakes the waiter that another one left the wake-up to.
    fn wake_next(&self, state: MutexGuard<'_, State>, next: Option<Waker>) {
        let all_woken = state.waiters.are_all_woken();
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
        if all_woken {
            self.all_woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the rest of the waiters when it is dropped, which a runtime that ends does.
struct Rest(Arc<Round>);

impl Drop for Rest {
    fn drop(&mut self) {
        while self.0.wake_some() {}
    }
}

/// `now + wait`, capped at one year to avoid overflow.
fn after(wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + wait.min(YEAR)
}
