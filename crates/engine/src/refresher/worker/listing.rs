//! Lists pages and queues their accounts.

use std::{error::Error as _, hash::BuildHasher as _, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokenkeeper_store::{Cursor, Key, StoreError};
use tokio::time::Instant;

use super::Worker;
use crate::{
    engine::{registry, store_health::Call},
    error::Error,
    refresher::{
        queue::{DueAccount, ProviderQueue},
        step::Step,
        visit,
        walk::{Listed, PageKind, PageSummary},
    },
};

impl Worker {
    /// Starts to list the pages that are due. Returns the time of the next one.
    pub(super) fn start_pages(&mut self, now: Instant) -> Option<Instant> {
        if now < self.backoffs.list.until {
            return Some(self.backoffs.list.until);
        }
        let mut pages = Vec::new();
        for walk in [&mut self.due, &mut self.attention] {
            if walk.next().is_some_and(|at| at <= now) {
                pages.push(walk.list_page(&self.core, now));
            }
        }
        for (index, queue) in self.queues.iter_mut().enumerate() {
            if queue.refill_at().is_some_and(|at| at <= now) {
                pages.push(queue.list_page(&self.core, index, now));
            }
        }
        let steps = pages.into_iter().map(|page| page.map(Step::Listed).boxed());
        self.steps.extend(steps);
        let walks = [self.due.next(), self.attention.next()];
        let refills = self.queues.iter().map(ProviderQueue::refill_at);
        walks.into_iter().chain(refills).flatten().min()
    }

    /// Takes a listed page: queues its accounts and schedules the next page.
    pub(super) fn handle_page(&mut self, listed: Listed) -> Result<(), Error> {
        let now = Instant::now();
        let kind = listed.kind;
        let page = match listed.page {
            Ok(page) => page,
            Err(error @ StoreError::Unsupported(_)) => return Err(Error::Listing(Arc::new(error))),
            Err(error) => {
                self.handle_failed_page(kind, &error, now);
                return Ok(());
            }
        };
        self.backoffs.list.reset();
        self.note_unread(&page.unread, now);
        if kind == (PageKind::Due { is_recent: false }) && listed.at.is_none() {
            self.queues.iter_mut().for_each(ProviderQueue::begin_walk);
        }
        let all = page.keys.len();
        let taken = self.enqueue(kind, &listed.at, page.keys, now);
        let page = PageSummary {
            at: listed.at,
            next: page.next,
            took: listed.took,
            taken,
            left: all - taken,
        };
        if page.next.is_none() || self.temporary.len() >= self.evict_at {
            self.evict_temporary();
        }
        let roll = self.core.random.roll();
        match kind {
            PageKind::Due { is_recent } => {
                if self.due.advance(&page, roll, now) {
                    self.end_walk(is_recent, now);
                }
            }
            PageKind::Attention => self.end_attention_page(&page, roll, now),
            PageKind::Refill(index) => {
                self.queues[index].end_refill(&page);
                self.report(index, now);
            }
        }
        Ok(())
    }

    /// Restarts the walk at its first page after the backoff.
    fn handle_failed_page(&mut self, kind: PageKind, error: &StoreError, now: Instant) {
        let health = &self.core.store_health;
        health.note_failure(Call::Read, error, self.core.time.now());
        match kind {
            PageKind::Due { .. } => self.due.fail(now),
            PageKind::Attention => self.attention.fail(now),
            PageKind::Refill(index) => self.queues[index].restart_refill(now),
        }
        self.backoffs.list.extend(&self.core, now);
    }

    /// Notes the parts of the store that a page could not read. Once all can be read again, the
    /// walks return to the head, where their accounts are.
    fn note_unread(&mut self, unread: &[StoreError], now: Instant) {
        let time = self.core.time.now();
        if let Some(error) = unread.first() {
            if self.unread.episode.note_failure(time) {
                let (cause, parts) = (error.source().map(ToString::to_string), unread.len());
                tracing::warn!(%error, cause, parts, "the refresher cannot list a part");
            }
            self.unread.relist_at.get_or_insert(now + RELIST_INTERVAL);
            return;
        }
        self.core.store_health.note_success(Call::Read, time);
        if let Some(ended) = self.unread.episode.note_success(time) {
            let (pages, lasted) = (ended.failures, ended.lasted);
            tracing::info!(pages, ?lasted, "the refresher lists all parts again");
        }
        if self.unread.relist_at.take_if(|at| *at <= now).is_some() {
            self.due.restart(now);
            for queue in &mut self.queues {
                queue.restart_refill(now);
            }
        }
    }

    /// Queues the listed accounts of this application's providers. Returns how many it took.
    fn enqueue(
        &mut self,
        kind: PageKind,
        at: &Option<Cursor>,
        mut keys: Vec<Key>,
        now: Instant,
    ) -> usize {
        keys.sort_by_cached_key(|key| self.order.hash_one(key));
        let mut taken = 0;
        for key in keys {
            if self.pending.contains(&key) || self.parked.get(&key).is_some_and(|at| now < *at) {
                continue;
            }
            // It may belong to another application, or its provider is no longer configured.
            let Some((index, site)) = registry::site_of_key(&self.core, &key) else {
                continue;
            };
            let account = DueAccount {
                key: key.clone(),
                site,
                due: kind != PageKind::Attention,
                is_recent: false,
            };
            if self.queues[index].offer(account, (kind, at), index, now) {
                self.pending.insert(key);
                taken += 1;
            }
        }
        if taken > 0 {
            for queue in &mut self.queues {
                queue.spread(self.scan_interval, now);
            }
        }
        taken
    }

    /// Ends a walk over due accounts.
    fn end_walk(&mut self, is_recent: bool, now: Instant) {
        self.parked.retain(|_, until| *until > now);
        for index in 0..self.queues.len() {
            let queue = &mut self.queues[index];
            let was_behind = queue.is_behind();
            queue.end_walk(is_recent);
            self.note_behind(index, was_behind, now);
            self.report(index, now);
        }
    }

    /// Schedules the next page of accounts that need attention, and lists them again soon if there
    /// was no room.
    fn end_attention_page(&mut self, page: &PageSummary, roll: f64, now: Instant) {
        let ended = self.attention.advance(page, roll, now);
        self.attention_left |=
            page.left > 0 && self.queues.iter().any(|queue| !queue.has_attention_room());
        if ended && std::mem::take(&mut self.attention_left) {
            self.attention.hasten(now + ATTENTION_RETRY);
        }
    }

    /// Evicts entries that are in memory only because of finished visits.
    fn evict_temporary(&mut self) {
        let temporary = std::mem::take(&mut self.temporary).into_iter();
        self.temporary = temporary
            .filter_map(|entry| visit::evict(&self.core, entry))
            .collect();
        // A long walk looks at those that stay again when as many have come.
        self.evict_at = self.temporary.len() * 2;
    }
}

/// How long after a part of the store could not be listed all due accounts are listed again.
const RELIST_INTERVAL: Duration = Duration::from_secs(10);

/// How long after a walk over accounts that need attention the next one follows if some had no
/// room.
const ATTENTION_RETRY: Duration = Duration::from_secs(60);
