//! The refresher's backoff while the store fails.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::Core;

/// The backoff after failures of the store.
pub(super) struct StoreBackoff {
    pub(super) until: Instant,
    /// Consecutive failures.
    failures: u32,
}

/// The longest pause after a failure of the store.
const MAX_STORE_BACKOFF: Duration = Duration::from_secs(30);

impl StoreBackoff {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            until: now,
            failures: 0,
        }
    }

    /// Forgets the failures after a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Pauses after a failure, twice as long as after the last one.
    pub(super) fn extend(&mut self, core: &Core, now: Instant) {
        // A call that was in flight when the pause began is no further failure.
        if now < self.until {
            return;
        }
        let pause = core
            .options
            .store_retry_interval
            .saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let jitter = 0.5 + core.random.roll() / 2.0;
        self.until = now + pause.min(MAX_STORE_BACKOFF).mul_f64(jitter);
    }
}
