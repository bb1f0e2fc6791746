//! Scanning the store for accounts, one page at a time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use tokenkeeper_store::{Cursor, Filter, Page, StoreError};
use tokio::time::Instant;

use crate::engine::Core;

/// The number of keys in a page.
const PAGE: usize = 1000;

/// The pause after a scan, in multiples of its length: an outage makes all accounts due, and
/// listing them continuously gains nothing.
const PAUSE_FACTOR: u32 = 4;

/// Which accounts a scan lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScanKind {
    Due,
    Attention,
}

/// A pending call that lists a page.
pub(super) type PageFuture = BoxFuture<'static, (ScanKind, Result<Page, StoreError>)>;

/// A listing that is repeated, each time over all of its pages.
pub(super) struct Scan {
    kind: ScanKind,
    interval: Duration,
    /// The filter of the current scan: the same for all of its pages.
    filter: Filter,
    /// The position of the current scan; `None` before its first page.
    cursor: Option<Cursor>,
    /// The start of the current scan.
    began: Instant,
    /// The time of the next page.
    next: Instant,
}

impl Scan {
    pub(super) fn new(kind: ScanKind, interval: Duration, now: Instant) -> Self {
        Self {
            kind,
            interval,
            filter: Filter::Attention,
            cursor: None,
            began: now,
            next: now,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Starts to list the next page.
    pub(super) fn list_page(&mut self, core: &Arc<Core>, now: Instant) -> PageFuture {
        if self.cursor.is_none() {
            self.began = now;
            self.filter = self.new_filter(core.time.wall_time());
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

    /// Schedules the next page: at once if the queues have room, otherwise after `retry`. Without a
    /// cursor the scan is complete, and the next one follows after the interval.
    ///
    /// `roll` is in `0.0..1.0`.
    pub(super) fn advance(
        &mut self,
        cursor: Option<Cursor>,
        room: bool,
        retry: Duration,
        roll: f64,
        now: Instant,
    ) {
        self.cursor = cursor;
        self.next = match self.cursor {
            Some(_) if room => now,
            Some(_) => now + retry,
            None => {
                // The jitter keeps workers apart that start together.
                let interval = self.interval.mul_f64(0.9 + roll / 5.0);
                now + interval.max((now - self.began) * PAUSE_FACTOR)
            }
        };
    }

    /// Restarts at the first page after a failure, which the cursor may have caused.
    pub(super) fn restart(&mut self) {
        self.cursor = None;
    }

    fn new_filter(&self, now: SystemTime) -> Filter {
        match self.kind {
            ScanKind::Due => Filter::DueBefore(now),
            ScanKind::Attention => Filter::Attention,
        }
    }
}
