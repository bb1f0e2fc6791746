//! How often the file is checked for changes by other processes.

use std::time::{Duration, Instant};

/// How long the file is checked at the full rate after a call: longer than a waiter's poll
/// interval, so that a process with waiters never slows down.
const IN_USE: Duration = Duration::from_secs(1);

/// The longest interval, of a process that has not used the store for a while.
const AT_REST: Duration = Duration::from_secs(1);

/// The pace of the checks: full while this process uses the store or others change it, and half as
/// fast after each check that finds nothing.
///
/// A process at rest wakes once a second, and a check by a process that waits is never late.
#[derive(Debug)]
pub(crate) struct Pace {
    full: Duration,
    current: Duration,
    checked: Instant,
    in_use_until: Instant,
}

impl Pace {
    /// A pace that begins with a check at `now`, at most one per `interval`.
    pub(crate) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            full: interval,
            current: interval,
            checked: now,
            in_use_until: now + IN_USE,
        }
    }

    /// Follows a call on the store.
    pub(crate) fn used(&mut self, now: Instant) {
        self.in_use_until = now + IN_USE;
        self.current = self.full;
    }

    /// Follows a check, which has found changes by other processes or not.
    pub(crate) fn checked(&mut self, now: Instant, has_found: bool) {
        self.checked = now;
        self.current = if has_found || now < self.in_use_until {
            self.full
        } else {
            (self.current * 2).min(AT_REST.max(self.full))
        };
    }

    /// Returns how long to wait for the next check.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.checked);
        self.current.saturating_sub(since)
    }

    /// Returns whether a check is due now that the thread is awake anyway.
    pub(crate) fn may_check(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.checked) >= self.full
    }

    /// Returns whether a call must wake the thread for the full pace.
    pub(crate) fn is_slow(&self) -> bool {
        self.current > self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(20);

    /// Sleeps and checks as the thread does, for `time`; returns the sleeps.
    fn sleeps(pace: &mut Pace, now: &mut Instant, time: Duration, finds: bool) -> Vec<Duration> {
        let (end, mut sleeps) = (*now + time, Vec::new());
        while *now < end {
            let sleep = pace.wait(*now);
            *now += sleep;
            pace.checked(*now, finds);
            sleeps.push(sleep);
        }
        sleeps
    }

    #[test]
    fn at_rest_it_wakes_once_a_second() {
        let mut now = Instant::now();
        let mut pace = Pace::new(INTERVAL, now);
        let settling = sleeps(&mut pace, &mut now, Duration::from_secs(4), false);
        assert!(settling.len() < 60, "{}", settling.len());
        let resting = sleeps(&mut pace, &mut now, Duration::from_secs(600), false);
        assert_eq!(resting.len(), 600);
        assert!(resting.iter().all(|sleep| *sleep == AT_REST));
    }

    #[test]
    fn a_call_brings_back_the_full_pace_for_a_while() {
        let mut now = Instant::now();
        let mut pace = Pace::new(INTERVAL, now);
        sleeps(&mut pace, &mut now, Duration::from_secs(10), false);
        assert!(pace.is_slow());
        pace.used(now);
        assert!(!pace.is_slow());
        let in_use = sleeps(&mut pace, &mut now, IN_USE, false);
        assert_eq!(in_use.len(), 50);
        assert!(in_use.iter().all(|sleep| *sleep <= INTERVAL));
        // Waiters poll more often than that.
        for _ in 0..100 {
            pace.used(now);
            let waiting = sleeps(&mut pace, &mut now, IN_USE / 2, false);
            assert!(waiting.iter().all(|sleep| *sleep <= INTERVAL));
        }
    }

    #[test]
    fn changes_by_others_bring_back_the_full_pace() {
        let mut now = Instant::now();
        let mut pace = Pace::new(INTERVAL, now);
        sleeps(&mut pace, &mut now, Duration::from_secs(10), false);
        pace.checked(now, true);
        let busy = sleeps(&mut pace, &mut now, Duration::from_secs(5), true);
        assert_eq!(busy.len(), 250);
        sleeps(&mut pace, &mut now, Duration::from_secs(5), false);
        assert!(pace.is_slow());
    }

    #[test]
    fn a_longer_interval_stays_as_it_is() {
        let mut now = Instant::now();
        let minute = Duration::from_secs(60);
        let mut pace = Pace::new(minute, now);
        let sleeps = sleeps(&mut pace, &mut now, 10 * minute, false);
        assert_eq!(sleeps, [minute; 10]);
        assert!(!pace.may_check(now + minute / 2));
        assert!(pace.may_check(now + minute));
    }
}
