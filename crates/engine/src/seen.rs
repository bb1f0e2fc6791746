//! What a front remembers of the account that it sends for.

use std::{fmt, mem, ops::Deref, ptr, sync::Arc};

use arc_swap::{ArcSwapOption, Cache};

use crate::engine::{AccountEntry, Snapshot};

/// A front's cache of one account's snapshot. As long as the snapshot is current, it is found by
/// reading one pointer.
///
/// It is filled at the second request, and a clone is empty: a service that is cloned for each
/// request would not profit, and would keep the token of the time when it was made. The cached
/// snapshot stays in memory until the next request or until it is dropped.
#[doc(hidden)]
#[derive(Default)]
pub struct Seen {
    snapshot: Option<Cache<Place, Option<Arc<Snapshot>>>>,
    asked: bool,
}

impl Seen {
    /// Returns what the cache holds for this account; `None` if it holds none.
    #[inline(always)]
    pub(crate) fn snapshot_of(&mut self, entry: &AccountEntry) -> Option<Option<&Arc<Snapshot>>> {
        match &mut self.snapshot {
            Some(cache) if ptr::eq(cache.arc_swap(), &entry.snapshot) => {
                Some(cache.load().as_ref())
            }
            _ => None,
        }
    }

    /// Notes a request of this account. From the second one on, the cache holds its snapshot.
    pub(crate) fn ask(&mut self, entry: &Arc<AccountEntry>) {
        if mem::replace(&mut self.asked, true) {
            self.snapshot = Some(Cache::new(Place(entry.clone())));
        }
    }
}

/// The place of an entry's snapshot.
struct Place(Arc<AccountEntry>);

impl Deref for Place {
    type Target = ArcSwapOption<Snapshot>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0.snapshot
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}
