//! The accounts that leave memory soon, since they have no tokens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::entry::AccountEntry;

/// The accounts in memory that may be over.
#[derive(Debug, Default)]
pub(crate) struct OverAccounts {
    waiting: Mutex<Vec<Weak<AccountEntry>>>,
    news: Arc<Notify>,
}

impl OverAccounts {
    /// Adds an account that may be over.
    pub(crate) fn add(&self, entry: &Arc<AccountEntry>) {
        self.lock().push(Arc::downgrade(entry));
        self.news.notify_one();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Returns what is notified when an account was added.
    pub(crate) fn news(&self) -> Arc<Notify> {
        self.news.clone()
    }

    /// Takes all of them.
    pub(crate) fn take(&self) -> Vec<Weak<AccountEntry>> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<AccountEntry>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
