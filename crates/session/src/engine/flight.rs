//! A task that all callers of an account share, and its result.

use std::sync::{Arc, OnceLock};

use tokio::{sync::Notify, time::Instant};

use crate::Error;

/// One flight. Its result is set once; whoever waits for it may stop waiting at any time.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    result: OnceLock<Result<(), Error>>,
    landed: Notify,
    /// It goes for new tokens, not only for a comparison with the store.
    pub(crate) refreshes: bool,
}

impl Flight {
    pub(crate) fn new(refreshes: bool) -> Arc<Self> {
        Arc::new(Self {
            refreshes,
            ..Self::default()
        })
    }

    /// Sets the result, unless it is set already, and wakes all who wait.
    pub(crate) fn land(&self, result: Result<(), Error>) {
        if self.result.set(result).is_ok() {
            self.landed.notify_waiters();
        }
    }

    pub(crate) fn has_landed(&self) -> bool {
        self.result.get().is_some()
    }

    /// Waits for the result; `None` when `until` comes first. Cancel safe.
    pub(crate) async fn wait(&self, until: Instant) -> Option<Result<(), Error>> {
        let landed = self.landed.notified();
        tokio::pin!(landed);
        landed.as_mut().enable();
        if let Some(result) = self.result.get() {
            return Some(result.clone());
        }
        tokio::select! {
            biased;
            () = landed => {}
            () = tokio::time::sleep_until(until) => {}
        }
        self.result.get().cloned()
    }
}
