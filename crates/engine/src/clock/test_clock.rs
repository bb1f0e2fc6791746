//! Clocks for tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{Clock, to_millis};

/// Clocks for tests: they follow tokio's time, paused or not, and can be moved by hand.
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

/// The state that all clones of a [`TestClock`] share.
#[derive(Debug)]
struct TestTime {
    start: tokio::time::Instant,
    epoch: SystemTime,
    /// How far both clocks were moved ahead, in milliseconds.
    moved: AtomicU64,
    /// How far the wall clock alone was moved, in milliseconds, plus `WALL_BIAS`.
    wall: AtomicU64,
}

/// Keeps `TestTime::wall` positive when the wall clock is moved back.
const WALL_BIAS: u64 = 1 << 62;

impl TestClock {
    /// Creates clocks whose wall clock starts at `epoch`.
    #[must_use]
    pub fn starting_at(epoch: SystemTime) -> Self {
        Self(Arc::new(TestTime {
            start: tokio::time::Instant::now(),
            epoch,
            moved: AtomicU64::new(0),
            wall: AtomicU64::new(WALL_BIAS),
        }))
    }

    /// Moves both clocks ahead.
    pub fn advance(&self, by: Duration) {
        self.0.moved.fetch_add(to_millis(by), Ordering::SeqCst);
    }

    /// Moves the wall clock alone ahead, as after a suspend.
    pub fn jump_ahead(&self, by: Duration) {
        self.0.wall.fetch_add(to_millis(by), Ordering::SeqCst);
    }

    /// Moves the wall clock alone back, as after a correction.
    pub fn jump_back(&self, by: Duration) {
        self.0.wall.fetch_sub(to_millis(by), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall(&self) -> SystemTime {
        let unshifted = self.0.epoch + self.monotonic();
        let shift = self.0.wall.load(Ordering::SeqCst);
        if shift >= WALL_BIAS {
            unshifted + Duration::from_millis(shift - WALL_BIAS)
        } else {
            unshifted - Duration::from_millis(WALL_BIAS - shift)
        }
    }

    fn monotonic(&self) -> Duration {
        self.0.start.elapsed() + Duration::from_millis(self.0.moved.load(Ordering::SeqCst))
    }
}
