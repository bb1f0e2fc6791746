//! The visits of one provider in flight.

use std::time::Duration;

/// Counts the visits in flight. A visit holds a lane, except while it waits for a slow store.
pub(super) struct Lanes {
    /// The maximum number of visits that hold a lane.
    limit: usize,
    held: usize,
    /// Visits that wait for the store without a lane.
    waiting: usize,
    /// How long a visit holds a lane, as a moving average.
    visit_time: Duration,
}

impl Lanes {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: 0,
            waiting: 0,
            visit_time: Duration::ZERO,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.held + self.waiting
    }

    pub(super) fn has_free(&self) -> bool {
        self.held < self.limit
    }

    /// Returns whether another visit may begin: visits that wait for a hung store are bounded too.
    pub(super) fn admit_another(&self) -> bool {
        self.has_free() && self.waiting < MAX_WAITING
    }

    pub(super) fn take(&mut self) {
        self.held += 1;
    }

    /// Lends the lane of a visit to another one while it waits for the store.
    pub(super) fn lend(&mut self) {
        self.held -= 1;
        self.waiting += 1;
    }

    /// Counts a visit without a lane as finished, or as ready to take a lane again.
    pub(super) fn stop_waiting(&mut self) {
        self.waiting -= 1;
    }

    /// Gives a lane back that was held for this time.
    pub(super) fn give_back(&mut self, held_for: Duration) {
        self.held -= 1;
        self.visit_time = (self.visit_time * 7 + held_for) / 8;
    }

    /// Returns how many visits begin within about a second, at least one and at most two per lane.
    pub(super) fn starts_soon(&self) -> usize {
        let most = self.limit.saturating_mul(2);
        let per_lane = 1.0 / self.visit_time.as_secs_f64().max(0.01);
        ((self.limit as f64 * per_lane) as usize).clamp(1, most)
    }
}

/// The maximum number of a provider's visits that wait for the store without a lane.
const MAX_WAITING: usize = 256;
