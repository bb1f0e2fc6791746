//! A wait without a runtime.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Polls a future until it is ready.
///
/// It is ready at once unless another thread holds a lock. Polling again costs less than a wake-up.
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}
