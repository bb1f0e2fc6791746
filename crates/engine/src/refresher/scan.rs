//! Walking over the accounts that the store lists, a page at a time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Cursor, Filter, Page, StoreError};
use tokio::time::Instant;

use crate::engine::Core;

/// How many keys are asked for at once.
const PAGE: usize = 1000;

/// After a long walk comes a rest of so many times its length: an outage makes all accounts due,
/// and nothing is won by listing them all the time.
const REST: u32 = 4;

/// Which accounts a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Due,
    Attention,
}

/// A page of a walk, on its way.
pub(super) type Paging = BoxFuture<'static, (Kind, Result<Page, StoreError>)>;

/// Repeats a listing, each time over all of its pages.
pub(super) struct Walk {
    kind: Kind,
    every: Duration,
    /// Of the walk under way: all of its pages are of one listing.
    filter: Filter,
    cursor: Option<Cursor>,
    began: Instant,
    next: Instant,
}

impl Walk {
    pub(super) fn new(kind: Kind, every: Duration, now: Instant) -> Self {
        Self {
            kind,
            every,
            filter: Filter::Attention,
            cursor: None,
            began: now,
            next: now,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn page(&mut self, core: &Arc<Core>, now: Instant) -> Paging {
        if self.cursor.is_none() {
            self.began = now;
            self.filter = self.filter(core.time.wall_time());
        }
        let (core, kind) = (core.clone(), self.kind);
        let (filter, cursor) = (self.filter, self.cursor.clone());
        Box::pin(async move {
            let limit = core.options.lease / 4;
            let page = core.store.list(filter, cursor, PAGE);
            let page = match tokio::time::timeout(limit, page).await {
                Ok(page) => page,
                Err(elapsed) => Err(StoreError::unavailable(elapsed)),
            };
            (kind, page)
        })
    }

    /// Plans the next page: at once, where there is room for it; `look` later where there is none.
    /// `roll` lies in `0.0..1.0`.
    pub(super) fn went_on(
        &mut self,
        cursor: Option<Cursor>,
        room: bool,
        look: Duration,
        roll: f64,
        now: Instant,
    ) {
        self.cursor = cursor;
        self.next = match self.cursor {
            Some(_) if room => now,
            Some(_) => now + look,
            None => {
                // Workers that were started together do not stay together.
                let every = self.every.mul_f64(0.9 + roll / 5.0);
                now + every.max((now - self.began) * REST)
            }
        };
    }

    /// Begins anew: a cursor that failed may be the reason.
    pub(super) fn failed(&mut self) {
        self.cursor = None;
    }

    fn filter(&self, now: SystemTime) -> Filter {
        match self.kind {
            Kind::Due => Filter::DueBefore(now),
            Kind::Attention => Filter::Attention,
        }
    }
}
