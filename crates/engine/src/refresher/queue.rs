//! What one provider has to be asked for: how fast, how many at once, and when not at all.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::visit::DueAccount;
use crate::{engine::ProviderSite, options::Options};

/// How many accounts a queue holds. Others are listed again later.
const ROOM: usize = 10_000;

/// The due accounts of one provider.
pub(super) struct ProviderQueue {
    queue: VecDeque<DueAccount>,
    running: usize,
    /// Between two starts.
    gap: Duration,
    next: Instant,
    /// The queue has not been empty since the last look.
    is_behind: bool,
    /// By site: a provider may have one for each tenant.
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

    /// Room is kept for those that are due: the others have time.
    pub(super) fn has_room(&self, due: bool) -> bool {
        self.queue.len() < if due { ROOM } else { ROOM / 4 }
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

    /// Starts what is in the queue evenly over the time until the next look, and what is left of
    /// the last look no slower than before.
    pub(super) fn pace(&mut self, every: Duration, now: Instant) {
        let waiting = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let gap = every / waiting.max(1);
        self.gap = if self.is_behind {
            gap.min(self.gap)
        } else {
            gap
        };
        self.is_behind = waiting > 0;
        self.next = self.next.min(now + self.gap);
    }

    /// The next account to start now, if any.
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

    pub(super) fn ended(&mut self) {
        self.running -= 1;
    }

    /// When the next account may be visited, unless that waits for another visit to end.
    pub(super) fn next_start(&self, concurrency: usize) -> Option<Instant> {
        (self.running < concurrency && !self.queue.is_empty()).then_some(self.next)
    }

    /// The token endpoint answers.
    pub(super) fn answered(&mut self, site: &ProviderSite) {
        if let Some(pause) = self.pauses.get_mut(site.site.as_str()) {
            pause.failures = 0;
        }
    }

    /// Nothing is sent to this site for a while, and at least for what the server asked.
    pub(super) fn pause(
        &mut self,
        site: &Arc<ProviderSite>,
        least: Duration,
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
        // Those that were on their way when it began say nothing new.
        if now >= pause.until {
            pause.failures = pause.failures.saturating_add(1);
        }
        let doubled = options
            .initial_backoff
            .saturating_mul(1 << pause.failures.saturating_sub(1).min(16))
            .min(options.max_backoff);
        // Upwards only: a server's word is a lower bound, and not all workers are to come back at
        // the same moment.
        let wait = doubled.max(least.min(DAY)).mul_f64(1.0 + roll / 10.0);
        pause.until = pause.until.max(now + wait);
    }
}

/// No server is believed for longer.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Pause {
    until: Instant,
    /// In a row.
    failures: u32,
}
