//! Walks over the accounts that the store lists, one page at a time.

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

/// A listed page.
pub(super) struct Listed {
    pub(super) kind: PageKind,
    /// The cursor of this page.
    pub(super) at: Option<Cursor>,
    pub(super) page: Result<Page, StoreError>,
    /// The time that the store took.
    pub(super) took: Duration,
}

/// Lists a page.
pub(super) fn list_page(
    core: &Arc<Core>,
    kind: PageKind,
    filter: Filter,
    at: Option<Cursor>,
) -> BoxFuture<'static, Listed> {
    let core = core.clone();
    Box::pin(async move {
        let begun = Instant::now();
        let page = core.store.list(filter, at.clone(), PAGE);
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

/// A walk over all pages of a listing, which is repeated.
///
/// A walk over due accounts goes to the end, even if only few of them can be taken: the accounts of
/// other providers, and those that became due just now, are behind them. After a long walk over
/// accounts that it could not take, the next ones continue at its end, and return to the head after
/// a while.
pub(super) struct Walk {
    kind: PageKind,
    interval: Duration,
    /// The filter of the current walk: the same for all of its pages.
    filter: Filter,
    /// The position of the current walk; `None` before the first page.
    cursor: Option<Cursor>,
    /// The last page of the first walk over this backlog, from where later walks continue.
    end: Option<Cursor>,
    is_listing: bool,
    /// The time of the next page.
    next: Instant,
    /// The time of the next walk from the head.
    head_at: Instant,
    is_first_page: bool,
    /// How long the store has listed in the current walk.
    listing_time: Duration,
    /// The number of accounts in the current walk that no queue took.
    left: usize,
}

impl Walk {
    pub(super) fn new(kind: PageKind, interval: Duration, now: Instant) -> Self {
        Self {
            kind,
            interval,
            filter: Filter::Attention,
            cursor: None,
            end: None,
            is_listing: false,
            next: now,
            head_at: now,
            is_first_page: true,
            listing_time: Duration::ZERO,
            left: 0,
        }
    }

    /// Returns when the next page is listed; `None` while one is.
    pub(super) fn next(&self) -> Option<Instant> {
        (!self.is_listing).then_some(self.next)
    }

    /// Starts to list the next page.
    pub(super) fn list_page(
        &mut self,
        core: &Arc<Core>,
        now: Instant,
    ) -> BoxFuture<'static, Listed> {
        if self.is_first_page {
            self.is_first_page = false;
            (self.listing_time, self.left) = (Duration::ZERO, 0);
            let is_due = self.kind != PageKind::Attention;
            if !is_due || now >= self.head_at {
                self.cursor = None;
            }
            self.filter = match is_due {
                true => Filter::DueBefore(core.time.wall_time()),
                false => Filter::Attention,
            };
            if is_due {
                let is_recent = self.cursor.is_some();
                self.kind = PageKind::Due { is_recent };
            }
        }
        self.is_listing = true;
        list_page(core, self.kind, self.filter, self.cursor.clone())
    }

    /// Schedules the next page after one of which the queues left `left` accounts. Returns whether
    /// the walk has ended.
    ///
    /// `roll` is in `0.0..1.0`.
    pub(super) fn advance(&mut self, page: &PageSummary, roll: f64, now: Instant) -> bool {
        self.is_listing = false;
        self.listing_time += page.took;
        self.left += page.left;
        if let Some(next) = &page.next {
            // A walk over what no queue takes leaves the store most of its time.
            let barren = page.left > 0 && page.taken == 0;
            let rest = if barren {
                page.took * 3
            } else {
                Duration::ZERO
            };
            (self.cursor, self.next) = (Some(next.clone()), now + rest);
            return false;
        }
        let is_recent = matches!(self.kind, PageKind::Due { is_recent: true });
        if !is_recent {
            self.head_at = now + HEAD_INTERVAL.max(self.listing_time * HEAD_FACTOR);
        }
        if is_recent {
            self.end.clone_from(&page.at);
        } else if self.left < PAGE {
            // The head of a short walk is as cheap as its end.
            self.end = None;
        } else if self.end.is_none() {
            self.end.clone_from(&page.at);
        }
        self.cursor.clone_from(&self.end);
        self.is_first_page = true;
        // The jitter keeps workers apart that start together.
        let interval = self.interval.mul_f64(0.9 + roll / 5.0);
        self.next = now + interval.max(self.listing_time * REST_FACTOR);
        true
    }

    /// Starts the next walk at the head, not later than `at`.
    pub(super) fn restart(&mut self, at: Instant) {
        (self.cursor, self.is_first_page) = (None, true);
        self.head_at = at;
        self.next = self.next.min(at);
    }

    /// Starts the next page not later than `at`.
    pub(super) fn hasten(&mut self, at: Instant) {
        self.next = self.next.min(at);
    }

    /// Restarts after a failure, which the cursor may have caused.
    pub(super) fn fail(&mut self, now: Instant) {
        (self.is_listing, self.end) = (false, None);
        self.restart(now);
    }
}

/// What a walk needs to know about a page.
pub(super) struct PageSummary {
    pub(super) at: Option<Cursor>,
    pub(super) next: Option<Cursor>,
    pub(super) took: Duration,
    /// The number of its accounts that the queues took.
    pub(super) taken: usize,
    /// The number of its accounts that no queue took.
    pub(super) left: usize,
}

/// The least rest after a walk, in multiples of the time that the store took to list.
const REST_FACTOR: u32 = 4;

/// The least time between two walks from the head, if they are long.
const HEAD_INTERVAL: Duration = Duration::from_secs(60);

/// The same in multiples of the time that the store took to list.
const HEAD_FACTOR: u32 = 20;
