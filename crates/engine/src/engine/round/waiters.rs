//! The waiters of a round, without locks and tasks.
//!
//! A result wakes the first few waiters. Each of them wakes the next one when it is polled, or when
//! it is dropped before that. So no cancellation loses a wake-up: until all waiters are woken, as
//! many as at first are woken and will wake another one.

use std::{collections::VecDeque, iter, mem, sync::Arc, task::Waker};

use tokio::time::Instant;

use crate::error::Error;

/// The waiters of a round, in the order in which they joined.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Waiters {
    result: Option<Result<(), Arc<Error>>>,
    queue: VecDeque<Waiter>,
    /// The number of the first waiter in the queue. Those before it were woken or have left.
    first: u64,
    /// No waiter in the queue has an earlier deadline. `None`: it has no waiter with one.
    earliest: Option<Instant>,
}

/// A caller in the round.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Waiter {
    state: State,
    deadline: Instant,
}

/// What a waiter in the queue waits for.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
enum State {
    /// It was not polled yet.
    Joined,
    Waiting(Waker),
    /// Its deadline passed, or it left.
    Over,
}

/// The result of a waiter's poll.
#[derive(Debug)]
pub(super) enum Polled {
    Pending,
    /// The deadline passed.
    Late,
    /// The result is there. Wake `next`.
    Ready {
        result: Result<(), Arc<Error>>,
        next: Option<Waker>,
    },
}

impl Waiters {
    pub(super) fn is_resolved(&self) -> bool {
        self.result.is_some()
    }

    /// Adds a waiter and returns its number.
    #[inline]
    pub(super) fn join(&mut self, deadline: Instant) -> u64 {
        self.queue.push_back(Waiter {
            state: State::Joined,
            deadline,
        });
        if self.earliest.is_none_or(|earliest| deadline < earliest) {
            self.earliest = Some(deadline);
        }
        self.first + self.queue.len() as u64 - 1
    }

    /// Polls a waiter: takes the result, or keeps its waker.
    #[inline]
    pub(super) fn poll(&mut self, number: u64, waker: &Waker) -> Polled {
        if let Some(result) = self.result.clone() {
            let next = self.pass_on(number);
            return Polled::Ready { result, next };
        }
        let Some(waiter) = self.get_mut(number) else {
            return Polled::Late;
        };
        match &mut waiter.state {
            State::Waiting(old) => old.clone_from(waker),
            State::Joined => waiter.state = State::Waiting(waker.clone()),
            State::Over => return Polled::Late,
        }
        Polled::Pending
    }

    /// Removes a waiter, and returns the one to wake instead if it carries a wake-up.
    pub(super) fn leave(&mut self, number: u64) -> Option<Waker> {
        if self.is_resolved() {
            return self.pass_on(number);
        }
        if let Some(waiter) = self.get_mut(number) {
            waiter.state = State::Over;
        }
        // Those that joined first mostly leave first.
        while let Some(Waiter {
            state: State::Over, ..
        }) = self.queue.front()
        {
            self.queue.pop_front();
            self.first += 1;
        }
        None
    }

    /// Sets the result and returns up to `most` waiters to wake. `None`: it was set already.
    pub(super) fn resolve(&mut self, result: Result<(), Error>, most: usize) -> Option<Vec<Waker>> {
        if self.is_resolved() {
            return None;
        }
        self.result = Some(result.map_err(Arc::new));
        Some(self.take(most))
    }

    /// Takes up to `most` waiters to wake after the result.
    pub(super) fn take(&mut self, most: usize) -> Vec<Waker> {
        let mut taken = Vec::with_capacity(most.min(self.queue.len()));
        taken.extend(iter::from_fn(|| self.take_next()).take(most));
        taken
    }

    /// Returns how many waiters are no longer in the queue, most of which were woken.
    pub(super) fn woken(&self) -> u64 {
        self.first
    }

    /// Returns whether the result is there, and all waiters are woken.
    pub(super) fn are_all_woken(&self) -> bool {
        self.is_resolved() && self.queue.is_empty()
    }

    /// Takes the waiters whose deadline passed, and returns the next deadline: none after the
    /// result.
    pub(super) fn expire(&mut self, now: Instant) -> (Vec<Waker>, Option<Instant>) {
        let (mut late, mut next) = (Vec::new(), None);
        if self.is_resolved() {
            return (late, next);
        }
        // There may be ten thousand waiters: they are read only if one of them can be late.
        if self.earliest.is_some_and(|earliest| now < earliest) {
            return (late, self.earliest);
        }
        for waiter in &mut self.queue {
            if matches!(waiter.state, State::Over) {
                continue;
            }
            if waiter.deadline <= now {
                if let State::Waiting(waker) = mem::replace(&mut waiter.state, State::Over) {
                    late.push(waker);
                }
            } else {
                next = Some(next.map_or(waiter.deadline, |at: Instant| at.min(waiter.deadline)));
            }
        }
        self.earliest = next;
        (late, next)
    }

    /// Ends a waiter after the result. Returns the one to wake, if it carried a wake-up.
    fn pass_on(&mut self, number: u64) -> Option<Waker> {
        match self.get_mut(number) {
            // It was polled or dropped before its turn.
            Some(waiter) => {
                waiter.state = State::Over;
                None
            }
            None => self.take_next(),
        }
    }

    /// Takes the next waiter to wake. One without a waker takes the result when it is polled.
    fn take_next(&mut self) -> Option<Waker> {
        while let Some(waiter) = self.queue.pop_front() {
            self.first += 1;
            if let State::Waiting(waker) = waiter.state {
                return Some(waker);
            }
        }
        None
    }

    /// Returns a waiter that is in the queue.
    fn get_mut(&mut self, number: u64) -> Option<&mut Waiter> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.queue.get_mut(index)
    }
}
