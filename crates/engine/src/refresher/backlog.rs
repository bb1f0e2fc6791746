//! What the refreshers of a process know about due accounts.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokenkeeper_refresh::WallMillis;

/// The due accounts of one provider, as [`Accounts::backlogs`](crate::Accounts::backlogs) returns
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// The number of accounts that are known to be due and wait for a refresh. Other processes may
    /// have refreshed some of them since they were listed, at most a few minutes ago.
    pub due: usize,
    /// The number of accounts that a refresher of this process is visiting.
    pub in_flight: usize,
    /// How long the account that waits longest has been due: zero if none waits, or if none was
    /// visited yet.
    pub late: Duration,
}

/// The figures of all refreshers of an engine.
#[derive(Debug, Default)]
pub(crate) struct Backlogs(Mutex<Vec<Weak<[Figures]>>>);

impl Backlogs {
    /// Adds the figures of a refresher for this number of providers, until it drops them.
    pub(super) fn register(&self, providers: usize) -> Arc<[Figures]> {
        let figures: Arc<[Figures]> = (0..providers).map(|_| Figures::default()).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|figures| figures.strong_count() > 0);
        all.push(Arc::downgrade(&figures));
        figures
    }

    /// Returns the backlog of each provider at this time.
    pub(crate) fn read(&self, providers: usize, now: WallMillis) -> Vec<Backlog> {
        let mut backlogs = vec![Backlog::default(); providers];
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for figures in all.iter().filter_map(Weak::upgrade) {
            for (backlog, figures) in backlogs.iter_mut().zip(&*figures) {
                // All refreshers list the same accounts.
                backlog.due = backlog.due.max(figures.due.load(Ordering::Relaxed));
                backlog.in_flight += figures.in_flight.load(Ordering::Relaxed);
                backlog.late = backlog.late.max(figures.late(now));
            }
        }
        backlogs
    }
}

/// The figures of one refresher and provider.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(super) due: AtomicUsize,
    pub(super) in_flight: AtomicUsize,
    /// The due time of the last account that was visited in the order of due times; zero before.
    pub(super) reached: AtomicU64,
}

impl Figures {
    /// Returns how long the account that waits longest has been due.
    pub(super) fn late(&self, now: WallMillis) -> Duration {
        let reached = self.reached.load(Ordering::Relaxed);
        if reached == 0 || self.due.load(Ordering::Relaxed) == 0 {
            return Duration::ZERO;
        }
        Duration::from_millis(now.saturating_sub(reached))
    }
}
