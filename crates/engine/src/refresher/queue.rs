//! The queue of due accounts of one provider, with pacing, concurrency limit and pauses.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::visit::DueAccount;
use crate::{engine::ProviderSite, options::Options};

/// The capacity of a queue. A later scan lists the accounts that did not fit.
const CAPACITY: usize = 10_000;

/// The due accounts of one provider, started at an even pace.
pub(super) struct ProviderQueue {
    queue: VecDeque<DueAccount>,
    /// The number of visits in flight.
    running: usize,
    /// The time between two starts.
    gap: Duration,
    /// The time of the next start.
    next: Instant,
    /// The queue has not been empty since the last scan.
    is_behind: bool,
    /// By site: a provider may have a site per tenant.
    pauses: HashMap<String, Pause>,
}

impl ProviderQueue {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            queue: VecDeque::new(),
            running: 0,
            gap: Duration::ZERO,
            next: now,
            is_behind: false,
            pauses: HashMap::new(),
        }
    }

    /// Accounts that only need attention get a quarter of the queue: due ones are more urgent.
    pub(super) fn has_room(&self, due: bool) -> bool {
        self.queue.len() < if due { CAPACITY } else { CAPACITY / 4 }
    }

    pub(super) fn is_paused(&self, site: &ProviderSite, now: Instant) -> bool {
        self.pauses
            .get(site.site.as_str())
            .is_some_and(|pause| now < pause.until)
    }

    pub(super) fn push(&mut self, account: DueAccount, now: Instant) {
        if self.queue.is_empty() {
            self.next = now;
        }
        self.queue.push_back(account);
    }

    /// Spreads the queued accounts evenly over the time until the next scan. If some are left from
    /// the last scan, the pace never slows down.
    pub(super) fn pace(&mut self, scan_interval: Duration, now: Instant) {
        let waiting = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let gap = scan_interval / waiting.max(1);
        self.gap = if self.is_behind {
            gap.min(self.gap)
        } else {
            gap
        };
        self.is_behind = waiting > 0;
        self.next = self.next.min(now + self.gap);
    }

    /// Takes the next account, if one may be visited now.
    pub(super) fn start(&mut self, concurrency: usize, now: Instant) -> Option<DueAccount> {
        if self.running >= concurrency || now < self.next {
            return None;
        }
        let account = self.queue.pop_front()?;
        self.running += 1;
        self.next += self.gap;
        self.is_behind &= !self.queue.is_empty();
        Some(account)
    }

    /// Counts a visit as finished.
    pub(super) fn finish(&mut self) {
        self.running -= 1;
    }

    /// Returns when the next account may be visited; `None` if it waits for another visit to
    /// finish.
    pub(super) fn next_start(&self, concurrency: usize) -> Option<Instant> {
        (self.running < concurrency && !self.queue.is_empty()).then_some(self.next)
    }

    /// Resets the failures of a site whose token endpoint responded.
    pub(super) fn reset_failures(&mut self, site: &ProviderSite) {
        if let Some(pause) = self.pauses.get_mut(site.site.as_str()) {
            pause.failures = 0;
        }
    }

    /// Pauses a site after a failure, for at least the time that the server asked for.
    ///
    /// `roll` is in `0.0..1.0`.
    pub(super) fn pause(
        &mut self,
        site: &Arc<ProviderSite>,
        retry_after: Duration,
        options: &Options,
        roll: f64,
        now: Instant,
    ) {
        let pause = self
            .pauses
            .entry(site.site.as_str().to_owned())
            .or_insert(Pause {
                until: now,
                failures: 0,
            });
        // A visit that was in flight when the pause began is no further failure.
        if now >= pause.until {
            pause.failures = pause.failures.saturating_add(1);
        }
        let doubled = options
            .initial_backoff
            .saturating_mul(1 << pause.failures.saturating_sub(1).min(16))
            .min(options.max_backoff);
        // The jitter keeps workers apart. It only adds, since `retry_after` is a lower bound.
        let wait = doubled.max(retry_after.min(DAY)).mul_f64(1.0 + roll / 10.0);
        pause.until = pause.until.max(now + wait);
    }
}

/// The longest `Retry-After` that is honoured.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause of one site.
struct Pause {
    until: Instant,
    /// Consecutive failures.
    failures: u32,
}
