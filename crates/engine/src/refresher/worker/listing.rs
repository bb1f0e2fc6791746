//! Lists pages and queues their accounts.

use std::{hash::BuildHasher as _, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokenkeeper_store::{ErrorChain, Key, StoreError};
use tokio::time::Instant;

use super::Worker;
use crate::{
    engine::{is_internal_entry, registry, store_health::Call},
    error::Error,
    refresher::{
        page::{Listed, PageKind, PageSummary, Position},
        queue::{DueAccount, ProviderQueue},
        step::Step,
        visit,
        walk::Walk,
    },
};

impl Worker {
    /// Starts to list the pages that are due. Returns the time of the next one.
    pub(super) fn start_pages(&mut self, now: Instant) -> Option<Instant> {
        if now < self.backoffs.list.until {
            return Some(self.backoffs.list.until);
        }
        let mut pages = Vec::new();
        let is_due = |walk: &Walk| walk.next().is_some_and(|at| at <= now);
        if is_due(&self.due) && self.due.begins() {
            self.queues.iter_mut().for_each(ProviderQueue::begin_walk);
        }
        for walk in [&mut self.due, &mut self.attention] {
            if is_due(walk) {
                pages.push(walk.list_page(&self.core, now));
            }
        }
        let offered = self.due.offered();
        for (index, queue) in self.queues.iter_mut().enumerate() {
            if queue.refill_at().is_some_and(|at| at <= now) {
                pages.push(queue.list_page(&self.core, index, offered, now));
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
        let (hashes, taken) = self.enqueue(kind, &listed.at, page.keys, now);
        let summary = PageSummary {
            at: listed.at,
            next: page.next,
            took: listed.took,
            hashes,
            taken,
        };
        if summary.next.is_none() || self.temporary.len() >= self.evict_at {
            self.evict_temporary();
        }
        match kind {
            PageKind::Due { is_recent } => self.end_due_page(is_recent, summary, now),
            PageKind::Attention => self.end_attention_page(summary, now),
            PageKind::Refill(index) => {
                self.queues[index].end_refill(&summary, now);
                self.report(index, now);
            }
        }
        self.note_unread(&page.unread, now);
        Ok(())
    }

    /// Restarts the walk at its first page after the backoff.
    fn handle_failed_page(&mut self, kind: PageKind, error: &StoreError, now: Instant) {
        let health = &self.core.store_health;
        health.note_failure(Call::Read, error, self.core.time.now());
        match kind {
            PageKind::Due { .. } => self.due.fail(now),
            PageKind::Attention => self.attention.fail(now),
            PageKind::Refill(index) => {
                self.queues[index].restart_refill(self.due.offered(), now);
            }
        }
        self.backoffs.list.extend(&self.core, now);
    }

    /// Notes the parts of the store that a page could not read. Once all can be read again, the
    /// walks return to the head, where their accounts are.
    fn note_unread(&mut self, unread: &[StoreError], now: Instant) {
        let time = self.core.time.now();
        if let Some(error) = unread.first() {
            if self.unread.episode.note_failure(time) {
                let (error, parts) = (ErrorChain::of(error), unread.len());
                tracing::warn!(%error, parts, "the refresher cannot list a part of the store");
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
                queue.restart_refill(self.due.offered(), now);
            }
        }
    }

    /// Queues the listed accounts of this application's providers. Returns the hashes of all keys,
    /// in their order, and how many it took.
    fn enqueue(
        &mut self,
        kind: PageKind,
        at: &Position,
        keys: Vec<Key>,
        now: Instant,
    ) -> (Vec<u64>, usize) {
        let hashed = |key: Key| (self.order.hash_one(&key), key);
        let mut keys: Vec<_> = keys.into_iter().map(hashed).collect();
        keys.sort_unstable_by_key(|(hash, _)| *hash);
        let hashes = keys.iter().map(|(hash, _)| *hash).collect();
        let is_recent = kind == (PageKind::Due { is_recent: true });
        let mut taken = 0;
        for (hash, key) in keys {
            let is_known = is_recent && self.due.has_seen(hash) || self.pending.contains(&key);
            if is_known || self.parked.get(&hash).is_some_and(|at| now < *at) {
                continue;
            }
            if is_internal_entry(&key) {
                continue;
            }
            // It may belong to another application, or its provider is no longer configured.
            let Some((index, site)) = registry::site_of_key(&self.core, &key) else {
                continue;
            };
            // Each provider lists for itself what it had no room for.
            let queue = &mut self.queues[index];
            if matches!(kind, PageKind::Refill(other) if other != index) && queue.is_refilling() {
                continue;
            }
            let account = DueAccount {
                key: key.clone(),
                site,
                due: kind != PageKind::Attention,
                is_recent: false,
            };
            if queue.offer(account, kind, at, now) {
                self.pending.insert(key);
                taken += 1;
            }
        }
        if taken > 0 {
            for queue in &mut self.queues {
                queue.spread(self.scan_interval, now);
            }
        }
        (hashes, taken)
    }

    /// Schedules the next page of due accounts, and ends their walk after the last one.
    fn end_due_page(&mut self, is_recent: bool, page: PageSummary, now: Instant) {
        let is_behind = self.queues.iter().any(ProviderQueue::is_refilling);
        let roll = self.core.random.roll();
        if !self.due.advance(page, is_behind, roll, now) {
            return;
        }
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
    fn end_attention_page(&mut self, page: PageSummary, now: Instant) {
        let has_room = self.queues.iter().all(ProviderQueue::has_attention_room);
        self.attention_left |= page.left() > 0 && !has_room;
        let roll = self.core.random.roll();
        let ended = self.attention.advance(page, false, roll, now);
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
