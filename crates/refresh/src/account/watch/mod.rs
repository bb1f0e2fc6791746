//! When another's attempt counts as dead: never by a wall clock, only after the watcher itself has
//! seen the same version stand for the whole lease.

use std::time::Duration;

use tokenkeeper_store::Version;

use crate::rules::Rules;

/// A watch over one version.
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

/// What a read showed.
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

    /// A read at `now` found `version` (`None`: no record).
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
            // This process was paused: it has not seen what happened meanwhile.
            self.since = now;
        }
        if self.failing {
            self.failing = false;
            // A holder that waits to write after an outage comes first; its write may hang as our
            // read did.
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

    /// A read at `now` failed.
    pub(super) fn failed(&mut self, hung: bool, now: Duration, rules: &Rules) {
        if now.saturating_sub(self.last_read) > gap(rules) {
            self.since = now;
        }
        self.failing = true;
        self.hung |= hung;
        self.last_read = now;
    }
}

/// The longest time between two reads that still counts as watching: a slow store is no pause of
/// this process.
fn gap(rules: &Rules) -> Duration {
    rules.poll * 8 + rules.store_timeout
}

#[cfg(test)]
mod tests;
