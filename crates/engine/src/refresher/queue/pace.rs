//! The pace at which the accounts of one provider are started.

use std::time::Duration;

use tokio::time::Instant;

/// Spreads starts over the time until the next scan. A backlog ignores it.
pub(super) struct Pace {
    /// The time between two starts.
    gap: Duration,
    /// The time of the next start.
    pub(super) next: Instant,
    /// Some accounts have waited since the last scan.
    pub(super) is_behind: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            gap: Duration::ZERO,
            next: now,
            is_behind: false,
        }
    }

    /// Lets the first account after a rest start at once.
    pub(super) fn resume(&mut self, now: Instant) {
        (self.next, self.is_behind) = (now, false);
    }

    /// Spreads `waiting` accounts evenly over a scan interval. If some have waited since the last
    /// scan, the pace never slows down.
    pub(super) fn spread(&mut self, waiting: usize, scan_interval: Duration, now: Instant) {
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        // An interval may be a tenth shorter than another.
        let gap = scan_interval.mul_f64(0.9) / waiting.max(1);
        self.gap = if self.is_behind {
            gap.min(self.gap)
        } else {
            gap
        };
        self.next = self.next.min(now + self.gap);
    }

    /// Starts all accounts at once, until none is left.
    pub(super) fn hurry(&mut self) {
        self.gap = Duration::ZERO;
        self.is_behind = true;
    }

    /// Counts a start, after which `waiting` accounts are left.
    pub(super) fn start(&mut self, waiting: usize) {
        self.next += self.gap;
        self.is_behind &= waiting > 0;
    }

    /// Returns how many accounts start within this time.
    pub(super) fn starts_within(&self, time: Duration) -> usize {
        let starts = time.as_nanos().checked_div(self.gap.as_nanos());
        starts.map_or(usize::MAX, |starts| {
            usize::try_from(starts).unwrap_or(usize::MAX)
        })
    }
}
