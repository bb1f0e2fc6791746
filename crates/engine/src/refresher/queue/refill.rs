//! The walk of one provider over the due accounts for which it had no room.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Cursor, Filter};
use tokio::time::Instant;

use crate::{
    engine::Core,
    refresher::walk::{Listed, PageKind, PageSummary, list_page},
};

/// The position of a provider's own walk.
pub(super) struct Refill {
    cursor: Option<Cursor>,
    pub(super) is_listing: bool,
    /// When it returns to the head, for accounts that it could not take and claims that lapsed.
    head_at: Instant,
}

impl Refill {
    pub(super) fn new(cursor: Option<Cursor>, now: Instant) -> Self {
        Self {
            cursor,
            is_listing: false,
            head_at: now + HEAD_INTERVAL,
        }
    }

    /// Starts to list the next page for the provider with this index.
    pub(super) fn list_page(
        &mut self,
        core: &Arc<Core>,
        index: usize,
        now: Instant,
    ) -> BoxFuture<'static, Listed> {
        self.is_listing = true;
        if now >= self.head_at {
            *self = Self {
                is_listing: true,
                ..Self::new(None, now)
            };
        }
        let filter = Filter::DueBefore(core.time.wall_time());
        list_page(core, PageKind::Refill(index), filter, self.cursor.clone())
    }

    /// Continues after a page. Returns whether the walk has ended.
    pub(super) fn advance(&mut self, page: &PageSummary) -> bool {
        self.is_listing = false;
        if page.taken == 0 {
            self.head_at += page.took * BARREN_FACTOR;
        }
        self.cursor.clone_from(&page.next);
        self.cursor.is_none()
    }
}

/// The least time between two starts at the head.
const HEAD_INTERVAL: Duration = Duration::from_secs(60);

/// How much later the next start at the head is, in multiples of the time for which the store
/// listed accounts that the provider could not take.
const BARREN_FACTOR: u32 = 50;
