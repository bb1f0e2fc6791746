//! The walk of one provider over the due accounts for which it had no room.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::Filter;
use tokio::time::Instant;

use crate::{
    engine::Core,
    refresher::page::{Listed, PageKind, PageSummary, Position, list_page},
};

/// A provider's own walk over due accounts.
///
/// It lists what walks over all due accounts have offered in vain. What became due later is theirs:
/// it is still in time, and would wait here behind all that is overdue.
pub(super) struct Refill {
    position: Position,
    is_listing: bool,
    /// The time of the next page.
    next: Instant,
    /// When it returns to the head, for accounts that it could not take and claims that lapsed.
    head_at: Instant,
    /// The filter of accounts that came later and had no room either.
    missed: Option<Filter>,
}

impl Refill {
    pub(super) fn new(position: Position, now: Instant) -> Self {
        Self {
            position,
            is_listing: false,
            next: now,
            head_at: now + HEAD_INTERVAL,
            missed: None,
        }
    }

    /// Returns when the next page may be listed; `None` while one is.
    pub(super) fn next(&self) -> Option<Instant> {
        (!self.is_listing).then_some(self.next)
    }

    /// Notes an account that became due later and had no room.
    pub(super) fn note_missed(&mut self, filter: Filter) {
        self.missed = Some(filter);
    }

    /// Starts to list the next page for the provider with this index. `offered`: the accounts that
    /// a walk over all due accounts has offered.
    pub(super) fn list_page(
        &mut self,
        core: &Arc<Core>,
        index: usize,
        offered: Filter,
        now: Instant,
    ) -> BoxFuture<'static, Listed> {
        if now >= self.head_at {
            self.restart(offered, now);
        }
        self.is_listing = true;
        list_page(core, PageKind::Refill(index), self.position.clone())
    }

    /// Returns to the head.
    pub(super) fn restart(&mut self, offered: Filter, now: Instant) {
        *self = Self {
            missed: self.missed,
            ..Self::new(Position::head(offered), now)
        };
    }

    /// Continues after a page. Returns whether nothing is left to list.
    pub(super) fn advance(&mut self, page: &PageSummary, now: Instant) -> bool {
        self.is_listing = false;
        self.next = now + page.rest();
        if page.taken == 0 {
            self.head_at += page.took * BARREN_FACTOR;
        }
        self.position.cursor.clone_from(&page.next);
        if page.next.is_some() {
            return false;
        }
        if let Some(missed) = self.missed.take() {
            self.restart(missed, now);
            return false;
        }
        true
    }
}

/// The least time between two starts at the head.
const HEAD_INTERVAL: Duration = Duration::from_secs(60);

/// How much later the next start at the head is, in multiples of the time for which the store
/// listed accounts that the provider could not take.
const BARREN_FACTOR: u32 = 50;
