use super::{Clock, Duration, SystemClock};

/// Longer than any kernel leaves between two renewals of its coarse clock (at most 10 ms at 100 interrupts a second).
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
