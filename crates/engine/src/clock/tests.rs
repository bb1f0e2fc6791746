use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::SystemTime,
};

use super::{Clock, Duration, SystemClock, Time};

/// The longest time between two updates of a kernel's coarse clock: 10 ms at 100 interrupts a
/// second.
const RESOLUTION: Duration = Duration::from_millis(10);

#[test]
fn the_coarse_clock_is_never_ahead() {
    let clock = SystemClock::default();
    for _ in 0..100_000 {
        let coarse = clock.monotonic_coarse();
        assert!(coarse <= clock.monotonic());
    }
}

#[test]
fn the_coarse_clock_advances() {
    let clock = SystemClock::default();
    let coarse = clock.monotonic_coarse();
    while clock.monotonic_coarse() < coarse + RESOLUTION {
        std::thread::yield_now();
    }
}

/// Clocks that both show `seconds`. Reading the wall clock first stops the thread for `stall`
/// seconds, once.
#[derive(Debug, Default)]
struct StallingClock {
    seconds: AtomicU64,
    stall: AtomicU64,
}

impl Clock for StallingClock {
    fn wall(&self) -> SystemTime {
        let stalled = self.stall.swap(0, SeqCst);
        self.seconds.fetch_add(stalled, SeqCst);
        SystemTime::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.seconds.load(SeqCst))
    }
}

#[test]
fn a_stopped_thread_is_no_suspend() {
    let clock = Arc::new(StallingClock::default());
    let time = Time::new(Some(clock.clone()));
    let start = time.now();
    clock.seconds.fetch_add(2, SeqCst);
    clock.stall.store(5, SeqCst);
    time.now();
    clock.seconds.fetch_add(2, SeqCst);
    assert_eq!(time.now().since(start), Duration::from_secs(9));
}

#[test]
fn a_bound_ends_at_the_time_or_at_the_next_comparison() {
    let clock = Arc::new(StallingClock::default());
    let time = Time::new(Some(clock.clone()));
    let now = time.now();
    let mono = time.coarse_nanos();
    let after = |millis| time.nanos_until(tokenkeeper_refresh::EngineInstant(now.0 + millis));
    assert_eq!(after(0), mono);
    assert_eq!(after(300), mono + 300_000_000);
    // The clocks are compared once a second.
    assert_eq!(after(5000), mono + 1_000_000_000);
    clock.seconds.fetch_add(1, SeqCst);
    time.now();
    assert_eq!(after(5000), mono + 2_000_000_000);
    assert_eq!(time.nanos_until(tokenkeeper_refresh::EngineInstant(0)), 0);
}
