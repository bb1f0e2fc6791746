//! When another's attempt counts as dead: never by a wall clock, only after the watcher itself has seen
//! the same version stand for the whole lease.

use std::time::Duration;

use tokenkeeper_store::Version;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    version: Version,
    lease: Duration,
    /// The longest time between two reads that still counts as watching.
    gap: Duration,
    /// A holder that waits to write after an outage comes first.
    grace: Duration,
    since: Duration,
    last_read: Duration,
    failing: bool,
    held_until: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    Changed,
    Standing,
    Lapsed,
}

impl Watch {
    pub(crate) fn new(
        version: Version,
        lease: Duration,
        gap: Duration,
        grace: Duration,
        now: Duration,
    ) -> Self {
        Self {
            version,
            lease,
            gap,
            grace,
            since: now,
            last_read: now,
            failing: false,
            held_until: Duration::ZERO,
        }
    }

    /// A read at `now` found `version` (`None`: no record).
    pub(crate) fn read(&mut self, version: Option<Version>, now: Duration) -> Sight {
        if version != Some(self.version) {
            return Sight::Changed;
        }
        if self.failing {
            self.failing = false;
            self.held_until = now + self.grace;
        } else if now.saturating_sub(self.last_read) > self.gap {
            // This process was paused: it has not seen what happened meanwhile.
            self.since = now;
        }
        self.last_read = now;
        if now.saturating_sub(self.since) >= self.lease && now >= self.held_until {
            Sight::Lapsed
        } else {
            Sight::Standing
        }
    }

    /// A read at `now` failed.
    pub(crate) fn failed(&mut self, now: Duration) {
        if now.saturating_sub(self.last_read) > self.gap {
            self.since = now;
        }
        self.failing = true;
        self.last_read = now;
    }
}
