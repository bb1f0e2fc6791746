//! Failures that repeat: the log has their beginning and their end, not each of them.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokenkeeper_refresh::EngineInstant;

/// Failures in a row of one thing, such as the store or a token endpoint, so that an outage writes
/// two lines into the log, however many calls fail.
///
/// The first failure begins an episode. The first success at least [`QUIET`] after the last failure
/// ends it: while only some of the calls fail, it goes on.
#[derive(Debug, Default)]
pub(crate) struct Episode {
    /// Whether an episode is in progress, so that a success usually takes no lock.
    is_open: AtomicBool,
    open: Mutex<Option<Open>>,
}

/// An episode in progress.
#[derive(Debug)]
struct Open {
    first: EngineInstant,
    last: EngineInstant,
    failures: u64,
}

/// An episode that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) failures: u64,
    /// The time from the first failure to the last.
    pub(crate) lasted: Duration,
}

/// How long nothing must have failed before a success ends an episode.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// After this time without a failure, the next one begins another episode.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

impl Episode {
    /// Counts a failure. Returns whether an episode begins with it, so that the caller logs it.
    #[must_use = "the first failure of an episode is logged"]
    pub(crate) fn note_failure(&self, now: EngineInstant) -> bool {
        self.note_failures(1, now)
    }

    /// Counts several failures, as [`note_failure`](Self::note_failure) counts one.
    #[must_use = "the first failure of an episode is logged"]
    pub(crate) fn note_failures(&self, count: u64, now: EngineInstant) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a success, as where no call was made, the last one may be long over.
        let begins = open
            .take_if(|open| now >= open.last.after(FORGOTTEN))
            .is_some()
            || open.is_none();
        let episode = open.get_or_insert(Open {
            first: now,
            last: now,
            failures: 0,
        });
        episode.failures = episode.failures.saturating_add(count);
        episode.last = episode.last.max(now);
        self.is_open.store(true, Ordering::Release);
        begins
    }

    /// Notes a success. Returns the episode if it is over, so that the caller logs its end.
    #[must_use = "the end of an episode is logged"]
    #[inline]
    pub(crate) fn note_success(&self, now: EngineInstant) -> Option<Ended> {
        if !self.is_open.load(Ordering::Acquire) {
            return None;
        }
        self.close(now)
    }

    #[cold]
    fn close(&self, now: EngineInstant) -> Option<Ended> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let episode = open.take_if(|episode| now >= episode.last.after(QUIET))?;
        self.is_open.store(false, Ordering::Release);
        Some(Ended {
            failures: episode.failures,
            lasted: episode.last.since(episode.first),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> EngineInstant {
        EngineInstant(seconds * 1000)
    }

    #[test]
    fn only_the_first_failure_begins_an_episode() {
        let episode = Episode::default();
        assert_eq!(episode.note_success(at(0)), None);
        assert!(episode.note_failure(at(1)));
        assert!(!episode.note_failure(at(2)));
        assert!(!episode.note_failures(5, at(31)));
        let ended = episode.note_success(at(41));
        let (failures, lasted) = (7, Duration::from_secs(30));
        assert_eq!(ended, Some(Ended { failures, lasted }));
        assert_eq!(episode.note_success(at(42)), None);
        assert!(episode.note_failure(at(43)), "another episode");
    }

    #[test]
    fn an_episode_without_an_end_is_forgotten_after_a_day() {
        let (episode, day) = (Episode::default(), 24 * 60 * 60);
        assert!(episode.note_failure(at(0)));
        assert!(!episode.note_failure(at(day - 1)));
        assert!(!episode.note_failure(at(2 * day - 2)));
        assert!(episode.note_failure(at(3 * day)));
        let ended = episode.note_success(at(3 * day + 60)).unwrap();
        assert_eq!(ended.failures, 1);
    }

    #[test]
    fn an_episode_goes_on_while_some_calls_fail() {
        let episode = Episode::default();
        assert!(episode.note_failure(at(0)));
        for second in 1..100 {
            assert!(!episode.note_failure(at(second)));
            assert_eq!(episode.note_success(at(second)), None);
        }
        let ended = episode.note_success(at(99 + QUIET.as_secs()));
        assert_eq!(ended.map(|ended| ended.failures), Some(100));
    }
}
