//! Callers that wait for a job of an account. They need no timer and no runtime: a task on the
//! engine's runtime wakes them.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::error::Error;

/// The outcome of a wait: the result of the job, or `None` after the deadline.
pub(crate) type Waited = Option<Result<(), Error>>;

/// All callers that wait for one result.
#[derive(Debug, Default)]
pub(crate) struct Round {
    state: Mutex<State>,
    /// Notified when a waiter joins, or when the result arrives.
    changed: Notify,
}

/// The state of a round, under its lock.
#[derive(Debug, Default)]
struct State {
    result: Option<Result<(), Error>>,
    waiters: VecDeque<Waiter>,
    /// The number of the first waiter.
    first: u64,
    /// Whether a task watches the deadlines.
    watched: bool,
}

/// A caller in the round.
#[derive(Debug)]
struct Waiter {
    waker: Option<Waker>,
    deadline: Instant,
    /// Whether the deadline passed, or the caller left.
    over: bool,
}

/// The number of waiters that are woken at once.
const BATCH: usize = 64;
/// The shortest time between two checks of the deadlines.
const TICK: Duration = Duration::from_millis(10);

impl Round {
    /// Adds a waiter for at most `wait`.
    pub(crate) fn join(self: &Arc<Self>, wait: Duration) -> Wait {
        let mut state = self.lock();
        let number = state.first + state.waiters.len() as u64;
        state.waiters.push_back(Waiter {
            waker: None,
            deadline: after(wait),
            over: false,
        });
        Wait {
            round: self.clone(),
            number: Some(number),
        }
    }

    /// Watches the deadlines of the waiters on the engine's runtime.
    pub(crate) fn watch_deadlines(self: &Arc<Self>, runtime: &Handle) {
        if std::mem::replace(&mut self.lock().watched, true) {
            self.changed.notify_one();
            return;
        }
        let (round, guard) = (self.clone(), WatchedGuard(Some(self.clone())));
        runtime.spawn(async move {
            let mut guard = guard;
            while let Some(next) = round.wake_late() {
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = round.changed.notified() => {}
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
        if state.result.is_some() || state.waiters.is_empty() {
            state.watched = false;
            return None;
        }
        let mut wakers = Vec::new();
        let mut next = None;
        for waiter in &mut state.waiters {
            if waiter.over {
                continue;
            }
            if waiter.deadline <= now {
                waiter.over = true;
                wakers.extend(waiter.waker.take());
            } else {
                next = Some(next.map_or(waiter.deadline, |at: Instant| at.min(waiter.deadline)));
            }
        }
        if next.is_none() {
            state.watched = false;
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        Some(next?.max(now + TICK))
    }

    /// Sets the result and wakes the waiters: the first batch at once and the rest batch by batch,
    /// so that they do not all run at the same moment.
    pub(crate) fn resolve(self: Arc<Self>, result: Result<(), Error>, runtime: Option<&Handle>) {
        let mut state = self.lock();
        if state.result.is_some() {
            return;
        }
        state.result = Some(result);
        let many = state.waiters.len() > BATCH;
        drop(state);
        self.changed.notify_one();
        match runtime.filter(|_| many) {
            None => while self.wake_batch() {},
            Some(runtime) => {
                self.wake_batch();
                let rest = RestGuard(self);
                runtime.spawn(async move {
                    while rest.0.wake_batch() {
                        tokio::task::yield_now().await;
                    }
                });
            }
        }
    }

    /// Wakes a batch of waiters. Returns whether there may be more.
    fn wake_batch(&self) -> bool {
        let mut state = self.lock();
        let wakers: Vec<Waker> = state
            .waiters
            .iter_mut()
            .filter_map(|waiter| waiter.waker.take())
            .take(BATCH)
            .collect();
        drop(state);
        let more = wakers.len() == BATCH;
        wakers.into_iter().for_each(Waker::wake);
        more
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Allows another task to watch the deadlines if the runtime drops this one.
struct WatchedGuard(Option<Arc<Round>>);

impl Drop for WatchedGuard {
    fn drop(&mut self) {
        if let Some(round) = &self.0 {
            round.lock().watched = false;
        }
    }
}

/// Wakes the remaining waiters even if the runtime drops the task.
struct RestGuard(Arc<Round>);

impl Drop for RestGuard {
    fn drop(&mut self) {
        while self.0.wake_batch() {}
    }
}

impl State {
    /// Returns a waiter by its number; `None` if it was removed after its deadline.
    fn waiter(&mut self, number: u64) -> Option<&mut Waiter> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.waiters.get_mut(index)
    }
}

/// A future that waits for the result of a round. Dropping it only stops the waiting.
#[derive(Debug)]
pub(crate) struct Wait {
    round: Arc<Round>,
    /// The number of its waiter; `None` once the wait is over.
    number: Option<u64>,
}

impl Future for Wait {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let round = self.round.clone();
        let mut state = round.lock();
        if let Some(result) = &state.result {
            let result = result.clone();
            self.number = None;
            return Poll::Ready(Some(result));
        }
        let Some(number) = self.number else {
            return Poll::Ready(None);
        };
        let Some(waiter) = state.waiter(number) else {
            return Poll::Ready(None);
        };
        if waiter.over {
            drop(state);
            self.leave();
            return Poll::Ready(None);
        }
        match &mut waiter.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            empty => *empty = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Wait {
    /// Leaves the round.
    fn leave(&mut self) {
        let Some(number) = self.number.take() else {
            return;
        };
        let mut state = self.round.lock();
        if state.result.is_some() {
            return;
        }
        if let Some(waiter) = state.waiter(number) {
            waiter.waker = None;
            waiter.over = true;
        }
        // Remove waiters that left at the front: they joined first, so their deadlines mostly pass
        // first.
        while state
            .waiters
            .front()
            .is_some_and(|waiter| waiter.over && waiter.waker.is_none())
        {
            state.waiters.pop_front();
            state.first += 1;
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.leave();
    }
}

/// `now + wait`, capped at one year to avoid overflow.
fn after(wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + wait.min(YEAR)
}
