//! The refresher's backoff while the store fails.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::Core;

/// The backoff from one kind of call to the store, which begins once nothing succeeds.
pub(super) struct StoreBackoff {
    pub(super) until: Instant,
    /// How many failures in a row are those of single accounts, or of a part of the store.
    tolerated: u32,
    /// Consecutive failures.
    failures: u32,
}

/// The longest pause after a failure of the store.
const MAX_STORE_BACKOFF: Duration = Duration::from_secs(30);

impl StoreBackoff {
    pub(super) fn new(tolerated: u32, now: Instant) -> Self {
        Self {
            until: now,
            tolerated,
            failures: 0,
        }
    }

    /// Forgets the failures after a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Pauses after a failure that is not tolerated, twice as long as after the last one.
    pub(super) fn extend(&mut self, core: &Core, now: Instant) {
        // A call that was in flight when the pause began is no further failure.
        if now < self.until {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let Some(excess) = self.failures.checked_sub(self.tolerated + 1) else {
            return;
        };
        let pause = core
            .options
            .store_retry_interval
            .saturating_mul(1 << excess.min(16));
        let jitter = 0.5 + core.random.roll() / 2.0;
        self.until = now + pause.min(MAX_STORE_BACKOFF).mul_f64(jitter);
    }
}
