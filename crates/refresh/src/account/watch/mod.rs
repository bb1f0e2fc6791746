//! Decides when another process's lease has expired: never by a wall clock, only after the watcher
//! itself has seen the same version for the whole lease.

use std::time::Duration;

use tokenkeeper_store::Version;

use super::turn::Observed;
use crate::rules::Rules;

/// A watch over the version that holds another process's attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    version: Version,
    lease: Duration,
    since: Duration,
    last_read: Duration,
    failing: bool,
    hung: bool,
    held_until: Duration,
}

/// What a read shows about the watched attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observation {
    Changed,
    Unchanged,
    Lapsed,
}

impl Watch {
    pub(super) fn new(version: Version, lease: Duration, now: Duration) -> Self {
        Self {
            version,
            lease,
            since: now,
            last_read: now,
            failing: false,
            hung: false,
            held_until: Duration::ZERO,
        }
    }

    /// Records what the store answered at `now`.
    pub(super) fn observe(
        &mut self,
        observed: Observed,
        now: Duration,
        rules: &Rules,
    ) -> Observation {
        match observed {
            Observed::Version(version) => self.read(version, now, rules),
            Observed::Failed { hung } => {
                self.failed(hung, now, rules);
                Observation::Unchanged
            }
        }
    }

    /// Records that a read at `now` found `version` (`None`: no record).
    pub(super) fn read(
        &mut self,
        version: Option<Version>,
        now: Duration,
        rules: &Rules,
    ) -> Observation {
        if version != Some(self.version) {
            return Observation::Changed;
        }
        if now.saturating_sub(self.last_read) > gap(rules) {
            // This process was paused and has not seen what happened meanwhile.
            self.since = now;
        }
        if self.failing {
            self.failing = false;
            // After an outage the holder gets time to write first; its write may hang as our read
            // did.
            let grace = rules.store_retry * 2;
            let hung = std::mem::take(&mut self.hung);
            self.held_until = now
                + grace
                + if hung {
                    rules.store_timeout
                } else {
                    Duration::ZERO
                };
        }
        self.last_read = now;
        if now.saturating_sub(self.since) >= self.lease && now >= self.held_until {
            Observation::Lapsed
        } else {
            Observation::Unchanged
        }
    }

    /// Records that a read at `now` failed.
    pub(super) fn failed(&mut self, hung: bool, now: Duration, rules: &Rules) {
        if now.saturating_sub(self.last_read) > gap(rules) {
            self.since = now;
        }
        self.failing = true;
        self.hung |= hung;
        self.last_read = now;
    }
}

/// Returns the longest time between two reads that is not a gap: a slow store does not mean that
/// this process was paused.
fn gap(rules: &Rules) -> Duration {
    rules.poll * 8 + rules.store_timeout
}

#[cfg(test)]
mod tests;
