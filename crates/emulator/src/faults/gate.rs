//! A gate at which requests wait until a test opens it.

use std::sync::Arc;

use tokio::sync::watch;

/// Holds requests back; made by [`Faults::hold`](crate::Faults::hold) and [`Faults::hold_answers`](crate::Faults::hold_answers).
///
/// Dropping it releases it, so that no server hangs after a failed test.
#[derive(Debug)]
#[must_use = "a gate that is dropped is open"]
pub struct Gate {
    inner: Inner,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            inner: Inner {
                state: Arc::new(watch::channel(State::default()).0),
            },
        }
    }

    pub(super) fn clone_inner(&self) -> Inner {
        self.inner.clone()
    }

    /// Waits until `count` requests have arrived since the gate was made. Cancellation safe.
    pub async fn arrived(&self, count: usize) {
        let mut state = self.inner.state.subscribe();
        // The sender lives as long as `self`, so this can't fail.
        let _ = state.wait_for(|state| state.arrived >= count).await;
    }

    /// How many requests have arrived since the gate was made.
    #[must_use]
    pub fn arrivals(&self) -> usize {
        self.inner.state.borrow().arrived
    }

    /// Lets `count` of the requests through, those that wait first.
    pub fn let_through(&self, count: usize) {
        self.inner.state.send_modify(|state| state.passes += count);
    }

    /// Lets everything through from now on.
    pub fn release(&self) {
        self.inner.state.send_modify(|state| state.open = true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

#[derive(Debug, Default)]
struct State {
    arrived: usize,
    passes: usize,
    open: bool,
}

/// The side of the requests.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    state: Arc<watch::Sender<State>>,
}

impl Inner {
    pub(super) fn is_open(&self) -> bool {
        self.state.borrow().open
    }

    /// Waits for the gate's opening or for a pass, first come, first served.
    pub(super) async fn pass(&self) {
        let mut position = 0;
        self.state.send_modify(|state| {
            state.arrived += 1;
            position = state.arrived;
        });
        let mut state = self.state.subscribe();
        // `self` holds the sender, so this can't fail.
        let _ = state
            .wait_for(|state| state.open || state.passes >= position)
            .await;
    }
}
