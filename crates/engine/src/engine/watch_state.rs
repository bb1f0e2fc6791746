//! Whether the store notifies of changes.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokenkeeper_refresh::{EngineInstant, Watched};
use tokio::sync::Notify;

/// Since when the store notifies of every change, and the last time that it did before.
#[derive(Debug, Default)]
pub(crate) struct WatchState {
    /// In milliseconds of engine time; 0: it does not.
    since: AtomicU64,
    /// The watch that was lost, until the accounts that relied on it are compared.
    lost: Mutex<Option<Watched>>,
    /// Notified when a watch is lost.
    news: Arc<Notify>,
}

impl WatchState {
    /// Returns since when the store notifies of every change; a time to come if its stream was
    /// opened recently.
    pub(crate) fn since(&self) -> Option<EngineInstant> {
        match self.since.load(Ordering::Acquire) {
            0 => None,
            since => Some(EngineInstant(since)),
        }
    }

    /// Notes that a stream is open, which counts from `since` on.
    pub(crate) fn begin(&self, since: EngineInstant) {
        self.since.store(since.0.max(1), Ordering::Release);
    }

    /// Notes the end of the stream.
    pub(crate) fn end(&self, until: EngineInstant) {
        let since = EngineInstant(self.since.swap(0, Ordering::AcqRel));
        if since < until {
            *self.lock_lost() = Some(Watched { since, until });
            self.news.notify_one();
        }
    }

    /// Returns the watch that was lost, unless all accounts know of it.
    pub(crate) fn lost(&self) -> Option<Watched> {
        *self.lock_lost()
    }

    /// Notes that all accounts know of this loss.
    pub(crate) fn forget_lost(&self, known: Watched) {
        self.lock_lost().take_if(|lost| *lost == known);
    }

    /// Returns what is notified when a watch is lost.
    pub(crate) fn news(&self) -> Arc<Notify> {
        self.news.clone()
    }

    fn lock_lost(&self) -> MutexGuard<'_, Option<Watched>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
