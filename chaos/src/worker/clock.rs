//! The worker's own clock, which is wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokenkeeper::clock::{Clock, SystemClock};

/// The system's clocks, the wall clock off by as much as somebody says. The monotonic one is right: no leap of a wall clock moves it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SkewedClock {
    clock: Arc<SystemClock>,
    ahead: Arc<AtomicI64>,
}

impl SkewedClock {
    /// Sets how many milliseconds it is ahead of the truth, or behind.
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
