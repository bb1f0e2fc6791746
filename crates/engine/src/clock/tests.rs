use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::SystemTime,
};

use super::{Clock, Duration, SystemClock, Time};

/// Longer than any kernel leaves between two renewals of its coarse clock (at most 10 ms at 100
/// interrupts a second).
const RESOLUTION: Duration = Duration::from_millis(10);

#[test]
fn the_coarse_clock_is_never_ahead_of_the_exact_one() {
    let clock = SystemClock::default();
    for _ in 0..100_000 {
        let coarse = clock.monotonic_coarse();
        assert!(coarse <= clock.monotonic());
    }
}

#[test]
fn the_coarse_clock_goes_on_with_the_exact_one() {
    let clock = SystemClock::default();
    let coarse = clock.monotonic_coarse();
    while clock.monotonic_coarse() < coarse + RESOLUTION {
        std::thread::yield_now();
    }
}

/// Clocks that both show so many seconds; whoever looks at the wall clock stands still first.
#[derive(Debug, Default)]
struct Stalling {
    shown: AtomicU64,
    stall: AtomicU64,
}

impl Clock for Stalling {
    fn wall(&self) -> SystemTime {
        let stalled = self.stall.swap(0, SeqCst);
        self.shown.fetch_add(stalled, SeqCst);
        SystemTime::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.shown.load(SeqCst))
    }
}

#[test]
fn a_thread_that_stood_still_between_its_looks_did_not_sleep() {
    let clock = Arc::new(Stalling::default());
    let time = Time::new(Some(clock.clone()));
    let start = time.now();
    clock.shown.fetch_add(2, SeqCst);
    clock.stall.store(5, SeqCst);
    time.now();
    clock.shown.fetch_add(2, SeqCst);
    assert_eq!(time.now().since(start), Duration::from_secs(9));
}
