//! Walks over the accounts that the store lists, one page at a time.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Cursor, Filter};
use tokio::time::Instant;

use super::page::{Listed, PAGE, PageKind, PageSummary, Position, list_page};
use crate::engine::Core;

/// A walk over all pages of a listing, which is repeated.
///
/// A walk over due accounts goes to the end, even if only few of them can be taken: the accounts of
/// other providers, and those that became due just now, are behind them. During a backlog, the next
/// walks continue at the end of this one, and one returns to the head after a while.
pub(super) struct Walk {
    kind: PageKind,
    interval: Duration,
    /// The position of the current walk. The filter is the same for all of its pages.
    position: Position,
    /// The filter of the last finished walk, or else of the first one.
    offered: Filter,
    /// From where later walks continue during a backlog.
    end: Option<End>,
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

/// The last page of a walk.
struct End {
    cursor: Option<Cursor>,
    /// The hashes of its keys, in their order: what comes later is new.
    seen: Vec<u64>,
}

impl Walk {
    pub(super) fn new(kind: PageKind, interval: Duration, now: Instant) -> Self {
        Self {
            kind,
            interval,
            position: Position::head(Filter::Attention),
            offered: Filter::Attention,
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

    /// Returns whether the next page is the first one of a walk.
    pub(super) fn begins(&self) -> bool {
        self.is_first_page
    }

    /// Returns the filter of the due accounts that a whole walk has offered to the queues.
    pub(super) fn offered(&self) -> Filter {
        self.offered
    }

    /// Returns whether a walk has seen the account before that continues where the last one ended.
    pub(super) fn has_seen(&self, hash: u64) -> bool {
        let seen = |end: &End| end.seen.binary_search(&hash).is_ok();
        self.is_recent() && self.end.as_ref().is_some_and(seen)
    }

    fn is_recent(&self) -> bool {
        self.kind == PageKind::Due { is_recent: true }
    }

    /// Starts to list the next page.
    pub(super) fn list_page(
        &mut self,
        core: &Arc<Core>,
        now: Instant,
    ) -> BoxFuture<'static, Listed> {
        if std::mem::take(&mut self.is_first_page) {
            self.begin(core, now);
        }
        self.is_listing = true;
        list_page(core, self.kind, self.position.clone())
    }

    /// Begins a walk.
    fn begin(&mut self, core: &Core, now: Instant) {
        (self.listing_time, self.left) = (Duration::ZERO, 0);
        if self.kind == PageKind::Attention {
            self.position.cursor = None;
            return;
        }
        let end = self.end.as_ref().filter(|_| now < self.head_at);
        let is_recent = end.is_some();
        self.kind = PageKind::Due { is_recent };
        self.position = Position {
            filter: Filter::DueBefore(core.time.wall_time()),
            cursor: end.and_then(|end| end.cursor.clone()),
        };
        if self.offered == Filter::Attention {
            self.offered = self.position.filter;
        }
    }

    /// Schedules the next page. `is_behind`: accounts are due for which there was no room. Returns
    /// whether the walk has ended.
    ///
    /// `roll` is in `0.0..1.0`.
    pub(super) fn advance(
        &mut self,
        page: PageSummary,
        is_behind: bool,
        roll: f64,
        now: Instant,
    ) -> bool {
        self.is_listing = false;
        self.listing_time += page.took;
        self.left += page.left();
        if page.next.is_some() {
            self.next = now + page.rest();
            self.position.cursor = page.next;
            return false;
        }
        self.is_first_page = true;
        self.offered = self.position.filter;
        let is_recent = self.is_recent();
        if !is_recent {
            self.head_at = now + HEAD_INTERVAL.max(self.listing_time * HEAD_FACTOR);
        }
        // The head of a short walk is as cheap as its end.
        let is_short = self.left < PAGE && !is_behind;
        if !is_recent && is_short {
            self.end = None;
        } else if is_recent || self.end.is_none() {
            self.end = Some(End {
                cursor: page.at.cursor,
                seen: page.hashes,
            });
        }
        // A long walk from the head has its own interval.
        let rest = if !is_recent && self.end.is_some() {
            Duration::ZERO
        } else {
            self.listing_time * REST_FACTOR
        };
        // The jitter keeps workers apart that start together.
        let interval = self.interval.mul_f64(0.9 + roll / 5.0);
        self.next = now + interval.max(rest);
        true
    }

    /// Starts the next walk at the head, not later than `at`.
    pub(super) fn restart(&mut self, at: Instant) {
        self.is_first_page = true;
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

/// The least rest after a walk, in multiples of the time that the store took to list.
const REST_FACTOR: u32 = 4;

/// The least time between two walks from the head, if they are long.
const HEAD_INTERVAL: Duration = Duration::from_secs(60);

/// The same in multiples of the time that the store took to list.
const HEAD_FACTOR: u32 = 20;
