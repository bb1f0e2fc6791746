//! A worker's clock, whose wall time is wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokenkeeper::clock::{Clock, SystemClock};

/// The system's clock with a movable wall time; its monotonic time is right.
#[derive(Clone, Debug, Default)]
pub(crate) struct SkewedClock {
    clock: Arc<SystemClock>,
    ahead: Arc<AtomicI64>,
}

impl SkewedClock {
    /// Sets the error of the wall time, in milliseconds.
    pub(crate) fn set(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    pub(crate) fn set_ahead(&self, ahead: Duration) {
        self.set(i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX));
    }
}

impl Clock for SkewedClock {
    fn wall(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let off = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 {
            self.clock.wall() - off
        } else {
            self.clock.wall() + off
        }
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}
