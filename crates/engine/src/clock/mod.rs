//! Clocks: the two that an application may inject, and the engine time that is derived from them.

mod system;
mod test_clock;
mod time;

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokenkeeper_refresh::WallMillis;

pub use self::test_clock::TestClock;
pub(crate) use self::time::Time;

/// A wall clock and a monotonic clock. Tests inject a [`TestClock`].
///
/// The engine reads clocks while it holds locks, so they must not call the engine.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time of day. It may jump in both directions.
    fn wall(&self) -> SystemTime;

    /// Returns the time since a fixed point in this process. It never goes back, and may stand
    /// still while the machine is suspended.
    fn monotonic(&self) -> Duration;

    /// Returns the monotonic time from a source that is cheaper to read. It may be a few
    /// milliseconds behind [`monotonic`](Self::monotonic), never ahead of it.
    ///
    /// The engine reads it for every request, so it may serve a token these milliseconds longer
    /// before a refresh starts.
    ///
    /// Default: [`monotonic`](Self::monotonic).
    fn monotonic_coarse(&self) -> Duration {
        self.monotonic()
    }
}

/// The clocks of the operating system, which the engine uses by default.
#[derive(Debug, Default)]
pub struct SystemClock {
    monotonic: system::Monotonic,
}

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.monotonic.now()
    }

    fn monotonic_coarse(&self) -> Duration {
        Duration::from_millis(self.monotonic.coarse_millis())
    }
}

/// Returns the milliseconds since the Unix epoch; 0 for an earlier time.
pub(crate) fn wall_millis(at: SystemTime) -> WallMillis {
    to_millis(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Returns the time of day from milliseconds since the Unix epoch.
pub(crate) fn system_time(millis: WallMillis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// Returns whole milliseconds. `as_millis` is slower: it computes in 128 bits.
#[inline]
pub(crate) fn to_millis(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1000);
    seconds.saturating_add(u64::from(duration.subsec_millis()))
}

/// Returns whole nanoseconds, in 64 bits: enough for 584 years.
#[inline]
pub(crate) fn to_nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests;
