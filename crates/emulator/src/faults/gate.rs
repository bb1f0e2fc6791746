//! A gate at which requests wait until a test opens it.

use std::sync::Arc;

use tokio::sync::watch;

/// A gate that holds requests back.
///
/// [`Faults::hold`](crate::Faults::hold) and [`Faults::hold_answers`](crate::Faults::hold_answers)
/// create it. Dropping it releases it, so that no server hangs after a failed test.
#[derive(Debug)]
#[must_use = "a gate that is dropped is open"]
pub struct Gate {
    inner: GateState,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            inner: GateState {
                state: Arc::new(watch::channel(State::default()).0),
            },
        }
    }

    pub(super) fn state(&self) -> GateState {
        self.inner.clone()
    }

    /// Waits until `count` requests have arrived since the gate was created. Cancel safe.
    pub async fn arrived(&self, count: usize) {
        let mut state = self.inner.state.subscribe();
        // It cannot fail, because the sender lives as long as `self`.
        let _ = state.wait_for(|state| state.arrived >= count).await;
    }

    /// Returns how many requests have arrived since the gate was created.
    #[must_use]
    pub fn arrivals(&self) -> usize {
        self.inner.state.borrow().arrived
    }

    /// Lets `count` requests pass, in order of arrival.
    pub fn let_through(&self, count: usize) {
        self.inner.state.send_modify(|state| state.passes += count);
    }

    /// Lets all requests pass from now on.
    pub fn release(&self) {
        self.inner.state.send_modify(|state| state.open = true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

/// The counts of a gate.
#[derive(Debug, Default)]
struct State {
    arrived: usize,
    passes: usize,
    open: bool,
}

/// The gate as the waiting requests see it.
#[derive(Debug, Clone)]
pub(super) struct GateState {
    state: Arc<watch::Sender<State>>,
}

impl GateState {
    pub(super) fn is_open(&self) -> bool {
        self.state.borrow().open
    }

    /// Waits until the gate opens or lets this request pass, in order of arrival.
    pub(super) async fn pass(&self) {
        let mut position = 0;
        self.state.send_modify(|state| {
            state.arrived += 1;
            position = state.arrived;
        });
        let mut state = self.state.subscribe();
        // It cannot fail, because `self` holds the sender.
        let _ = state
            .wait_for(|state| state.open || state.passes >= position)
            .await;
    }
}
