//! The provider's clock.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// A source of the provider's time.
///
/// Any `Fn() -> SystemTime` implements it. The default is the system's clock; [`TokioClock`]
/// follows tokio's, paused or not.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> SystemTime;
}

impl<F: Fn() -> SystemTime + Send + Sync + 'static> Clock for F {
    fn now(&self) -> SystemTime {
        self()
    }
}

/// A clock that follows tokio's, so that `tokio::time::advance` ages the emulator's tokens too.
///
/// It starts at the system time at which it is created.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    system: SystemTime,
    tokio: tokio::time::Instant,
}

impl TokioClock {
    /// Creates a clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            system: SystemTime::now(),
            tokio: tokio::time::Instant::now(),
        }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        self.system + self.tokio.elapsed()
    }
}

/// A clock that a test can shift forwards and backwards.
pub(crate) struct ShiftedClock {
    source: Box<dyn Clock>,
    offset_nanos: AtomicI64,
}

impl ShiftedClock {
    pub(crate) fn new(source: Box<dyn Clock>) -> Self {
        Self {
            source,
            offset_nanos: AtomicI64::new(0),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        let offset = self.offset_nanos.load(Ordering::SeqCst);
        let shift = Duration::from_nanos(offset.unsigned_abs());
        if offset < 0 {
            self.source.now() - shift
        } else {
            self.source.now() + shift
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.offset_nanos.fetch_add(nanos(by), Ordering::SeqCst);
    }

    pub(crate) fn rewind(&self, by: Duration) {
        self.offset_nanos.fetch_sub(nanos(by), Ordering::SeqCst);
    }
}

impl fmt::Debug for ShiftedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShiftedClock")
            .field("offset_nanos", &self.offset_nanos)
            .finish_non_exhaustive()
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
