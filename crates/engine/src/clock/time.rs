//! The engine time, derived from the two clocks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokenkeeper_refresh::{EngineInstant, WallMillis};

use super::{Clock, SystemClock, system_time, to_millis, to_nanos, wall_millis};

/// The engine time: the monotonic clock, plus the suspends that only the wall clock shows.
///
/// A wall clock that jumps ahead makes tokens look older, which costs a refresh. One that jumps
/// back changes nothing.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Source,
    /// The engine time minus the monotonic time, in milliseconds.
    offset: AtomicU64,
    /// The monotonic time of the next comparison with the wall clock, in milliseconds.
    anchor_at: AtomicU64,
    anchor: Mutex<Anchor>,
}

/// Both clocks at the last comparison, in milliseconds.
#[derive(Debug)]
struct Anchor {
    mono: u64,
    wall: WallMillis,
}

/// The clocks in use: statically dispatched for the system's, since every request reads them.
#[derive(Debug)]
enum Source {
    System(SystemClock),
    Injected(InjectedClock),
}

/// An application's clock and its last readings, in milliseconds.
#[derive(Debug)]
struct InjectedClock {
    clock: Arc<dyn Clock>,
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl Source {
    fn wall(&self) -> SystemTime {
        match self {
            Self::System(clock) => clock.wall(),
            Self::Injected(injected) => {
                let wall = catch_unwind(AssertUnwindSafe(|| injected.clock.wall()));
                let wall = wall.map(wall_millis);
                system_time(latest(&injected.wall, wall))
            }
        }
    }

    fn monotonic(&self) -> Duration {
        match self {
            Self::System(clock) => clock.monotonic(),
            Self::Injected(injected) => {
                let monotonic = catch_unwind(AssertUnwindSafe(|| injected.clock.monotonic()));
                Duration::from_millis(latest(&injected.monotonic, monotonic.map(to_millis)))
            }
        }
    }
}

/// Returns a clock's reading or, if the clock panicked, its last one: a panic must not lose the
/// response of a server.
fn latest(last: &AtomicU64, reading: std::thread::Result<u64>) -> u64 {
    match reading {
        Ok(reading) => {
            last.store(reading, Ordering::Relaxed);
            reading
        }
        Err(_) => last.load(Ordering::Relaxed),
    }
}

/// The engine time at the start of the monotonic clock, in milliseconds (17 years): tokens that are
/// older than the process have a positive time.
const INITIAL_OFFSET: u64 = 1 << 39;

/// The time between two comparisons of the wall clock with the monotonic clock, in milliseconds.
const ANCHOR_INTERVAL: u64 = 1000;

impl Time {
    /// Derives the engine time from `clock`, or from the operating system's clocks if it is `None`.
    pub(crate) fn new(clock: Option<Arc<dyn Clock>>) -> Self {
        let injected = |clock| {
            Source::Injected(InjectedClock {
                clock,
                wall: AtomicU64::new(0),
                monotonic: AtomicU64::new(0),
            })
        };
        let clock = clock.map_or_else(|| Source::System(SystemClock::default()), injected);
        let anchor = Anchor {
            mono: to_millis(clock.monotonic()),
            wall: wall_millis(clock.wall()),
        };
        Self {
            clock,
            offset: AtomicU64::new(INITIAL_OFFSET),
            anchor_at: AtomicU64::new(anchor.mono + ANCHOR_INTERVAL),
            anchor: Mutex::new(anchor),
        }
    }

    /// Returns the engine time.
    pub(crate) fn now(&self) -> EngineInstant {
        self.convert(to_millis(self.monotonic()))
    }

    /// Returns the engine time by the coarse clock, at most its resolution behind
    /// [`now`](Self::now).
    #[inline(always)]
    pub(crate) fn coarse_now(&self) -> EngineInstant {
        self.convert(self.coarse_mono())
    }

    /// Returns the reading of the coarse clock, in milliseconds.
    #[inline(always)]
    pub(crate) fn coarse_mono(&self) -> u64 {
        match &self.clock {
            Source::System(clock) => clock.monotonic.coarse_millis(),
            Source::Injected(injected) => to_millis(injected.clock.monotonic_coarse()),
        }
    }

    /// Returns the reading of the coarse clock, in nanoseconds.
    #[inline(always)]
    pub(crate) fn coarse_nanos(&self) -> u64 {
        match &self.clock {
            Source::System(clock) => clock.monotonic.coarse_nanos(),
            Source::Injected(injected) => to_nanos(injected.clock.monotonic_coarse()),
        }
    }

    /// Returns a bound of [`coarse_nanos`](Self::coarse_nanos): a reading below it is before `at`,
    /// and needs no comparison with the wall clock.
    pub(crate) fn nanos_until(&self, at: EngineInstant) -> u64 {
        // The offset grows before the time of the next comparison does.
        let anchor_at = self.anchor_at.load(Ordering::Acquire);
        let offset = self.offset.load(Ordering::Relaxed);
        let millis = anchor_at.min(at.0.saturating_sub(offset));
        millis.saturating_mul(1_000_000)
    }

    /// Converts a reading of the monotonic clock, in milliseconds.
    #[inline]
    fn convert(&self, mono: u64) -> EngineInstant {
        if mono >= self.anchor_at.load(Ordering::Acquire) {
            self.compare_clocks();
        }
        EngineInstant(mono + self.offset.load(Ordering::Relaxed))
    }

    /// Compares the clocks and adds a suspend to the offset. Concurrent callers wait for the lock,
    /// so none uses an offset without the suspend.
    #[cold]
    fn compare_clocks(&self) {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (mono, wall) = (to_millis(self.monotonic()), self.wall());
        let stalled = to_millis(self.monotonic()).saturating_sub(mono);
        // If this thread was stopped between the readings, they are not of one time: the next
        // caller compares again.
        if mono < anchor.mono + ANCHOR_INTERVAL || stalled >= ANCHOR_INTERVAL / 4 {
            return;
        }
        let slept = wall
            .saturating_sub(anchor.wall)
            .saturating_sub(mono - anchor.mono);
        if slept >= ANCHOR_INTERVAL {
            self.offset.fetch_add(slept, Ordering::AcqRel);
        }
        *anchor = Anchor { mono, wall };
        self.anchor_at
            .store(mono + ANCHOR_INTERVAL, Ordering::Release);
    }

    /// Returns the time of day in milliseconds.
    pub(crate) fn wall(&self) -> WallMillis {
        wall_millis(self.wall_time())
    }

    pub(crate) fn wall_time(&self) -> SystemTime {
        self.clock.wall()
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}
