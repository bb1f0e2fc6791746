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

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(60);
    const GAP: Duration = Duration::from_secs(10);
    const GRACE: Duration = Duration::from_secs(5);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn version() -> Version {
        Version::from_bytes([1; 16])
    }

    /// Watching since the hundredth second of this process.
    fn watch() -> Watch {
        Watch::new(version(), LEASE, GAP, GRACE, seconds(100))
    }

    /// Reads the same version each five seconds until then; says what the last read meant.
    fn stands(watch: &mut Watch, from: u64, until: u64) -> Sight {
        let reads = (from..=until).step_by(5);
        reads.fold(Sight::Standing, |_, now| {
            watch.read(Some(version()), seconds(now))
        })
    }

    #[test]
    fn another_version_or_none_is_a_change() {
        let other = Version::from_bytes([2; 16]);
        assert_eq!(watch().read(Some(other), seconds(101)), Sight::Changed);
        assert_eq!(watch().read(None, seconds(101)), Sight::Changed);
    }

    #[test]
    fn a_version_that_stands_for_the_whole_lease_has_lapsed() {
        let mut watch = watch();
        assert_eq!(stands(&mut watch, 100, 155), Sight::Standing);
        assert_eq!(watch.read(Some(version()), seconds(160)), Sight::Lapsed);
    }

    #[test]
    fn a_pause_of_the_watcher_starts_the_lease_anew() {
        let mut watch = watch();
        assert_eq!(stands(&mut watch, 100, 150), Sight::Standing);
        assert_eq!(stands(&mut watch, 161, 216), Sight::Standing);
        assert_eq!(watch.read(Some(version()), seconds(221)), Sight::Lapsed);
    }

    #[test]
    fn a_read_that_fails_after_a_pause_starts_it_anew_too() {
        let mut watch = watch();
        assert_eq!(stands(&mut watch, 100, 150), Sight::Standing);
        watch.failed(seconds(165));
        assert_eq!(stands(&mut watch, 170, 220), Sight::Standing);
        assert_eq!(watch.read(Some(version()), seconds(225)), Sight::Lapsed);
    }

    #[test]
    fn after_an_outage_a_holder_gets_time_to_write() {
        let mut watch = watch();
        assert_eq!(stands(&mut watch, 100, 150), Sight::Standing);
        for now in [155, 160, 165] {
            watch.failed(seconds(now));
        }
        assert_eq!(watch.read(Some(version()), seconds(170)), Sight::Standing);
        assert_eq!(watch.read(Some(version()), seconds(174)), Sight::Standing);
        assert_eq!(watch.read(Some(version()), seconds(175)), Sight::Lapsed);
    }
}
