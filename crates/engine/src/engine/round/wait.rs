use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Round, waiters::Polled};
use crate::error::Error;

/// The outcome of a wait: the result of the job, or `None` after the deadline.
pub(crate) type Waited = Option<Result<(), Error>>;

/// A future that waits for the result of a round. Dropping it only stops the waiting.
#[derive(Debug)]
pub(crate) struct Wait {
    round: Arc<Round>,
    /// The number of its waiter; `None` once the wait is over.
    number: Option<u64>,
}

impl Wait {
    pub(super) fn new(round: Arc<Round>, number: u64) -> Self {
        Self {
            round,
            number: Some(number),
        }
    }
}

impl Future for Wait {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(number) = self.number else {
            return Poll::Ready(None);
        };
        let mut state = self.round.lock();
        match state.waiters.poll(number, cx.waker()) {
            Polled::Pending => Poll::Pending,
            Polled::Late => Poll::Ready(None),
            Polled::Ready { result, next } => {
                self.round.wake_next(state, next);
                // The wake-up is passed on, so the drop must not do so again.
                self.number = None;
                Poll::Ready(Some(result))
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut state = self.round.lock();
            let next = state.waiters.leave(number);
            self.round.wake_next(state, next);
        }
    }
}
