//! Time, as the engine sees it: two clocks from outside, one ratcheted count inside.

mod system;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokenkeeper_refresh::{EngineInstant, WallMillis};

/// The two clocks of a process. Inject one to test without waiting.
///
/// They are read under locks of the engine, so they must not ask it for anything.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day. It may jump, in both directions.
    fn wall(&self) -> SystemTime;

    /// Time since some fixed point in this process. It never goes back; it may stand still while
    /// the machine sleeps.
    fn monotonic(&self) -> Duration;

    /// The same time, cheaper to read: it may be behind [`monotonic`](Self::monotonic) by a few
    /// milliseconds, and never ahead of it.
    ///
    /// It is read for every request, so a token may be served for so long after the moment from
    /// which it is to be refreshed.
    fn monotonic_coarse(&self) -> Duration {
        self.monotonic()
    }
}

/// The clocks of the operating system.
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

/// Clocks that follow tokio's time, paused or not, and can be moved by hand: for tests.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tokenkeeper_engine::{Clock, TestClock};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let clock = TestClock::starting_at(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(3600));
/// assert!(clock.wall() >= SystemTime::UNIX_EPOCH + Duration::from_secs(3600));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TestClock(Arc<TestTime>);

#[derive(Debug)]
struct TestTime {
    start: tokio::time::Instant,
    epoch: SystemTime,
    /// Milliseconds that both clocks were moved on.
    moved: AtomicU64,
    /// Milliseconds that the wall clock alone stands behind, plus `WALL_BIAS`.
    wall: AtomicU64,
}

const WALL_BIAS: u64 = 1 << 62;

impl TestClock {
    /// Clocks whose wall clock starts at `epoch`.
    #[must_use]
    pub fn starting_at(epoch: SystemTime) -> Self {
        Self(Arc::new(TestTime {
            start: tokio::time::Instant::now(),
            epoch,
            moved: AtomicU64::new(0),
            wall: AtomicU64::new(WALL_BIAS),
        }))
    }

    /// Moves both clocks on.
    pub fn advance(&self, by: Duration) {
        self.0.moved.fetch_add(to_millis(by), Ordering::SeqCst);
    }

    /// Moves the wall clock alone: on, as after a suspend.
    pub fn jump_ahead(&self, by: Duration) {
        self.0.wall.fetch_add(to_millis(by), Ordering::SeqCst);
    }

    /// Moves the wall clock alone: back, as after a correction.
    pub fn jump_back(&self, by: Duration) {
        self.0.wall.fetch_sub(to_millis(by), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall(&self) -> SystemTime {
        let there = self.0.epoch + self.monotonic();
        let shift = self.0.wall.load(Ordering::SeqCst);
        if shift >= WALL_BIAS {
            there + Duration::from_millis(shift - WALL_BIAS)
        } else {
            there - Duration::from_millis(WALL_BIAS - shift)
        }
    }

    fn monotonic(&self) -> Duration {
        self.0.start.elapsed() + Duration::from_millis(self.0.moved.load(Ordering::SeqCst))
    }
}

/// The engine's count: the monotonic clock, plus whatever the wall clock shows that it slept
/// through.
///
/// A wall clock that jumps on makes tokens look older, which costs a refresh; one that jumps back
/// changes nothing.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Source,
    offset: AtomicU64,
    /// When the wall clock is to be compared with the monotonic one the next time, by the latter.
    anchor_at: AtomicU64,
    anchor: Mutex<Anchor>,
}

/// What both clocks showed at the same time, in milliseconds.
#[derive(Debug)]
struct Anchor {
    mono: u64,
    wall: WallMillis,
}

/// Whose clocks they are. The system's are read for every request, by a call that the compiler sees
/// through.
#[derive(Debug)]
enum Source {
    System(SystemClock),
    Given(Given),
}

/// A clock of the application's, and what it showed last, in milliseconds.
#[derive(Debug)]
struct Given {
    clock: Arc<dyn Clock>,
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl Source {
    fn wall(&self) -> SystemTime {
        match self {
            Self::System(clock) => clock.wall(),
            Self::Given(given) => {
                let wall = catch_unwind(AssertUnwindSafe(|| given.clock.wall()));
                let wall = wall.map(wall_millis);
                UNIX_EPOCH + Duration::from_millis(latest(&given.wall, wall))
            }
        }
    }

    fn monotonic(&self) -> Duration {
        match self {
            Self::System(clock) => clock.monotonic(),
            Self::Given(given) => {
                let monotonic = catch_unwind(AssertUnwindSafe(|| given.clock.monotonic()));
                Duration::from_millis(latest(&given.monotonic, monotonic.map(to_millis)))
            }
        }
    }
}

/// What a clock showed now or, if it panicked, what it showed last: an answer of a server must not
/// be lost with it.
fn latest(last: &AtomicU64, shown: std::thread::Result<u64>) -> u64 {
    match shown {
        Ok(shown) => {
            last.store(shown, Ordering::Relaxed);
            shown
        }
        Err(_) => last.load(Ordering::Relaxed),
    }
}

/// The count starts here, so that a token that is older than the process has a place on it:
/// seventeen years, in milliseconds.
const BEFORE: u64 = 1 << 39;

/// Wall and monotonic clock are compared at least this often, in milliseconds.
const ANCHOR_EVERY: u64 = 1000;

impl Time {
    /// `None`: the clocks of the operating system.
    pub(crate) fn new(clock: Option<Arc<dyn Clock>>) -> Self {
        let given = |clock| {
            Source::Given(Given {
                clock,
                wall: AtomicU64::new(0),
                monotonic: AtomicU64::new(0),
            })
        };
        let clock = clock.map_or_else(|| Source::System(SystemClock::default()), given);
        let anchor = Anchor {
            mono: to_millis(clock.monotonic()),
            wall: wall_millis(clock.wall()),
        };
        Self {
            clock,
            offset: AtomicU64::new(BEFORE),
            anchor_at: AtomicU64::new(anchor.mono + ANCHOR_EVERY),
            anchor: Mutex::new(anchor),
        }
    }

    pub(crate) fn now(&self) -> EngineInstant {
        self.count(to_millis(self.monotonic()))
    }

    /// The count by the coarse clock: behind [`now`](Self::now) by that clock's resolution at most.
    #[inline(always)]
    pub(crate) fn coarse_now(&self) -> EngineInstant {
        self.count(match &self.clock {
            Source::System(clock) => clock.monotonic.coarse_millis(),
            Source::Given(given) => to_millis(given.clock.monotonic_coarse()),
        })
    }

    #[inline]
    fn count(&self, mono: u64) -> EngineInstant {
        if mono >= self.anchor_at.load(Ordering::Acquire) {
            self.anchor();
        }
        EngineInstant(mono + self.offset.load(Ordering::Relaxed))
    }

    /// Whoever comes after a suspend waits for the one who accounts for it.
    #[cold]
    fn anchor(&self) {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (mono, wall) = (to_millis(self.monotonic()), self.wall());
        let stalled = to_millis(self.monotonic()).saturating_sub(mono);
        // Where this thread stood still between its looks, they show no one time: the next to come
        // looks again.
        if mono < anchor.mono + ANCHOR_EVERY || stalled >= ANCHOR_EVERY / 4 {
            return;
        }
        let slept = wall
            .saturating_sub(anchor.wall)
            .saturating_sub(mono - anchor.mono);
        if slept >= ANCHOR_EVERY {
            self.offset.fetch_add(slept, Ordering::AcqRel);
        }
        *anchor = Anchor { mono, wall };
        self.anchor_at.store(mono + ANCHOR_EVERY, Ordering::Release);
    }

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

pub(crate) fn wall_millis(at: SystemTime) -> WallMillis {
    to_millis(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[inline]
fn to_millis(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1000);
    seconds.saturating_add(u64::from(duration.subsec_millis()))
}

#[cfg(test)]
mod tests;
