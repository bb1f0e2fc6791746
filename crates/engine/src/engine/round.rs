//! Callers that wait for a job of an account. They need no timer and no runtime: the engine's own
//! wakes them.

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

/// What a waiter gets: the result of the job, or `None` if its time is over.
pub(crate) type Waited = Option<Result<(), Error>>;

/// All callers that wait for one result.
#[derive(Debug, Default)]
pub(crate) struct Round {
    state: Mutex<State>,
    /// An earlier deadline came in, or the result.
    sooner: Notify,
}

#[derive(Debug, Default)]
struct State {
    result: Option<Result<(), Error>>,
    waiters: VecDeque<Waiter>,
    /// The number of the first of them.
    first: u64,
    /// One task wakes those whose time is over.
    timed: bool,
}

#[derive(Debug)]
struct Waiter {
    waker: Option<Waker>,
    deadline: Instant,
    over: bool,
}

/// How many waiters are woken at once, and how often their time is looked at.
const BATCH: usize = 64;
const TICK: Duration = Duration::from_millis(10);

impl Round {
    /// A caller waits from now on, for at most `wait`.
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

    /// Keeps the deadlines of the waiters, on the engine's runtime.
    pub(crate) fn keep_time(self: &Arc<Self>, runtime: &Handle) {
        if std::mem::replace(&mut self.lock().timed, true) {
            self.sooner.notify_one();
            return;
        }
        let (round, timed) = (self.clone(), Timed(Some(self.clone())));
        runtime.spawn(async move {
            let mut timed = timed;
            while let Some(next) = round.tick() {
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = round.sooner.notified() => {}
                }
            }
            // Another task may keep the time by now.
            timed.0 = None;
        });
    }

    /// Wakes those whose time is over; returns when the next one's is.
    fn tick(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        if state.result.is_some() || state.waiters.is_empty() {
            state.timed = false;
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
            state.timed = false;
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        Some(next?.max(now + TICK))
    }

    /// Sets the result and wakes the waiters: the first at once, and the rest in batches, so that
    /// they do not all come at the same moment.
    pub(crate) fn resolve(self: Arc<Self>, result: Result<(), Error>, runtime: Option<&Handle>) {
        let mut state = self.lock();
        if state.result.is_some() {
            return;
        }
        state.result = Some(result);
        let many = state.waiters.len() > BATCH;
        drop(state);
        self.sooner.notify_one();
        match runtime.filter(|_| many) {
            None => while self.wake_batch() {},
            Some(runtime) => {
                self.wake_batch();
                let rest = Rest(self);
                runtime.spawn(async move {
                    while rest.0.wake_batch() {
                        tokio::task::yield_now().await;
                    }
                });
            }
        }
    }

    /// Wakes some of the waiters. Returns whether there may be more.
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

/// Lets another task keep the time if this one ends with its runtime.
struct Timed(Option<Arc<Round>>);

impl Drop for Timed {
    fn drop(&mut self) {
        if let Some(round) = &self.0 {
            round.lock().timed = false;
        }
    }
}

/// Wakes the rest even if the runtime ends first.
struct Rest(Arc<Round>);

impl Drop for Rest {
    fn drop(&mut self) {
        while self.0.wake_batch() {}
    }
}

impl State {
    /// `None`: it was forgotten, since its time was over.
    fn waiter(&mut self, number: u64) -> Option<&mut Waiter> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.waiters.get_mut(index)
    }
}

/// The waiting of one caller. Dropping it only stops the waiting.
#[derive(Debug)]
pub(crate) struct Wait {
    round: Arc<Round>,
    /// `None` once it has ended.
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
        // Those that have left at the front are forgotten; their time was mostly over first.
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
