//! Lists a page of accounts.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Cursor, Filter, Page, StoreError};
use tokio::time::Instant;

use crate::engine::Core;

/// The number of keys in a page: a store serves other calls between two of them.
pub(super) const PAGE: usize = 250;

/// Which accounts a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    /// All due accounts.
    Due {
        /// Whether the walk continues where the last one ended.
        is_recent: bool,
    },
    /// Due accounts of the provider with this index, which has had no room for them.
    Refill(usize),
    /// Accounts that need attention.
    Attention,
}

/// The position of a page in a listing.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) filter: Filter,
    pub(super) cursor: Option<Cursor>,
}

impl Position {
    /// Returns the position of the first page.
    pub(super) fn head(filter: Filter) -> Self {
        Self {
            filter,
            cursor: None,
        }
    }
}

/// A listed page.
pub(super) struct Listed {
    pub(super) kind: PageKind,
    /// The position of this page.
    pub(super) at: Position,
    pub(super) page: Result<Page, StoreError>,
    /// The time that the store took.
    pub(super) took: Duration,
}

/// What a walk needs to know about a page.
pub(super) struct PageSummary {
    pub(super) at: Position,
    pub(super) next: Option<Cursor>,
    pub(super) took: Duration,
    /// The hashes of its keys, in their order.
    pub(super) hashes: Vec<u64>,
    /// The number of its accounts that the queues took.
    pub(super) taken: usize,
}

impl PageSummary {
    /// Returns the number of accounts that no queue took.
    pub(super) fn left(&self) -> usize {
        self.hashes.len() - self.taken
    }

    /// Returns how long a walk waits before the next page. A walk over accounts that no queue takes
    /// leaves the store most of its time.
    pub(super) fn rest(&self) -> Duration {
        if self.left() > 0 && self.taken == 0 {
            self.took * 3
        } else {
            Duration::ZERO
        }
    }
}

/// Lists a page.
pub(super) fn list_page(
    core: &Arc<Core>,
    kind: PageKind,
    at: Position,
) -> BoxFuture<'static, Listed> {
    let core = core.clone();
    Box::pin(async move {
        let begun = Instant::now();
        let page = core.store.list(at.filter, at.cursor.clone(), PAGE);
        let page = match tokio::time::timeout(core.options.lease / 4, page).await {
            Ok(page) => page,
            Err(elapsed) => Err(StoreError::unavailable(elapsed)),
        };
        Listed {
            kind,
            at,
            page,
            took: begun.elapsed(),
        }
    })
}
