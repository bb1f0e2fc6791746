use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{Round, waiters::Polled};
use crate::error::Error;

/// The outcome of a wait: the result of the job, or `None` after the deadline.
pub(crate) type Waited<E = Error> = Option<Result<(), E>>;

/// A future that waits for the result of a round. Dropping it only stops the waiting.
#[derive(Debug)]
pub(crate) struct Wait {
    /// `None` once the wait is over.
    round: Option<Arc<Round>>,
    /// The number of its waiter.
    number: u64,
}

impl Wait {
    pub(super) fn new(round: Arc<Round>, number: u64) -> Self {
        Self {
            round: Some(round),
            number,
        }
    }

    /// Polls for an outcome whose error all waiters share, so that it fits into two registers.
    pub(crate) fn poll_shared(&mut self, cx: &mut Context<'_>) -> Poll<Waited<Arc<Error>>> {
        let Some(round) = &self.round else {
            return Poll::Ready(None);
        };
        let mut state = round.lock();
        match state.waiters.poll(self.number, cx.waker()) {
            Polled::Pending => Poll::Pending,
            Polled::Late => Poll::Ready(None),
            Polled::Ready { result, next } => {
                round.wake_next(state, next);
                // The wake-up is passed on, so the drop must not do so again.
                self.round = None;
                Poll::Ready(Some(result))
            }
        }
    }
}

impl Future for Wait {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waited = ready!(self.poll_shared(cx));
        Poll::Ready(waited.map(|result| result.map_err(Arc::unwrap_or_clone)))
    }
}

impl Drop for Wait {
    #[inline]
    fn drop(&mut self) {
        if let Some(round) = &self.round {
            round.leave(self.number);
        }
    }
}
