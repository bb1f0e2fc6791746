//! The loop of a running refresher. It spawns no task: dropping its future stops it.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokenkeeper_store::{Key, Page, StoreError};
use tokio::time::Instant;

use super::{
    backoff::StoreBackoff,
    queue::ProviderQueue,
    scan::{PageFuture, Scan, ScanKind},
    visit::{self, DueAccount, Outcome},
};
use crate::{
    engine::{AccountEntry, Core, registry},
    error::Error,
};

/// The state of a running refresher.
pub(super) struct Worker {
    core: Arc<Core>,
    concurrency: usize,
    scan_interval: Duration,
    due: Scan,
    attention: Scan,
    /// One queue per provider, in the order of `Core::providers`.
    queues: Vec<ProviderQueue>,
    /// The accounts that are queued or being visited.
    pending: HashSet<Key>,
    /// Accounts that cannot be refreshed, and when to try again.
    parked: HashMap<Key, Instant>,
    /// Entries that are in memory only because of finished visits, until they are at rest.
    temporary: Vec<Arc<AccountEntry>>,
    /// Backoff of listings, separate from that of reads and writes: a store may list from an index
    /// while it cannot read.
    list_backoff: StoreBackoff,
    /// Backoff of reads and writes.
    record_backoff: StoreBackoff,
    /// Hashes keys, so that each worker visits the accounts of a page in another order.
    order: RandomState,
}

/// A finished visit.
struct FinishedVisit {
    /// The index of its queue.
    queue: usize,
    account: DueAccount,
    outcome: Outcome,
    temporary: Option<Arc<AccountEntry>>,
}

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        concurrency: usize,
        scan_interval: Duration,
        attention_interval: Duration,
    ) -> Self {
        let now = Instant::now();
        Self {
            queues: core
                .providers
                .iter()
                .map(|_| ProviderQueue::new(now))
                .collect(),
            core,
            concurrency,
            scan_interval,
            due: Scan::new(ScanKind::Due, scan_interval, now),
            attention: Scan::new(ScanKind::Attention, attention_interval, now),
            pending: HashSet::new(),
            parked: HashMap::new(),
            temporary: Vec::new(),
            list_backoff: StoreBackoff::new(now),
            record_backoff: StoreBackoff::new(now),
            order: RandomState::new(),
        }
    }

    /// Works until the engine closes. Cancel safe: the engine finishes the refreshes in flight.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let core = self.core.clone();
        let mut running: FuturesUnordered<BoxFuture<'static, FinishedVisit>> =
            FuturesUnordered::new();
        let mut page: Option<PageFuture> = None;
        loop {
            let closing = core.closed.notified();
            tokio::pin!(closing);
            closing.as_mut().enable();
            if core.is_closing() {
                return Ok(());
            }
            let now = Instant::now();
            if now >= self.list_backoff.until {
                page = page.or_else(|| self.list_page(now));
            }
            if now >= self.record_backoff.until {
                running.extend(std::iter::from_fn(|| self.start_visit(now)));
            }
            let wake = self.next_wake(page.is_some());
            tokio::select! {
                () = closing => {}
                Some(visit) = running.next() => self.finish_visit(visit),
                (kind, listed) = wait_for_page(&mut page) => {
                    page = None;
                    self.handle_page(kind, listed)?;
                }
                () = wait_until(wake) => {}
            }
        }
    }

    /// Starts to list a page of the scan that is due, if one is.
    fn list_page(&mut self, now: Instant) -> Option<PageFuture> {
        let scan = if now >= self.due.next() {
            &mut self.due
        } else if now >= self.attention.next() {
            &mut self.attention
        } else {
            return None;
        };
        Some(scan.list_page(&self.core, now))
    }

    /// Takes a listed page: queues its accounts and schedules the next page.
    fn handle_page(&mut self, kind: ScanKind, page: Result<Page, StoreError>) -> Result<(), Error> {
        let now = Instant::now();
        let temporary = std::mem::take(&mut self.temporary).into_iter();
        self.temporary = temporary
            .filter_map(|entry| visit::evict(&self.core, entry))
            .collect();
        match page {
            Ok(page) => {
                self.list_backoff.reset();
                self.enqueue(kind, page.keys, now);
                let due = kind == ScanKind::Due;
                let room = self.queues.iter().any(|queue| queue.has_room(due));
                if page.next.is_none() {
                    self.parked.retain(|_, until| *until > now);
                }
                let (retry, roll) = (self.scan_interval, self.core.random.roll());
                self.scan(kind).advance(page.next, room, retry, roll, now);
            }
            Err(error @ StoreError::Unsupported(_)) => return Err(Error::Listing(Arc::new(error))),
            Err(error) => {
                tracing::warn!(%error, "the refresher cannot list accounts");
                self.scan(kind).restart();
                self.list_backoff.extend(&self.core, now);
            }
        }
        Ok(())
    }

    /// Queues the listed accounts of this application's providers.
    fn enqueue(&mut self, kind: ScanKind, mut keys: Vec<Key>, now: Instant) {
        let due = kind == ScanKind::Due;
        keys.sort_by_cached_key(|key| self.order.hash_one(key));
        for key in keys {
            if self.pending.contains(&key) || self.parked.get(&key).is_some_and(|at| now < *at) {
                continue;
            }
            // It may belong to another application, or its provider is no longer configured.
            let Some((index, site)) = registry::site_of_key(&self.core, &key) else {
                continue;
            };
            let queue = &mut self.queues[index];
            if queue.has_room(due) && !queue.is_paused(&site, now) {
                self.pending.insert(key.clone());
                queue.push(DueAccount { key, site, due }, now);
            }
        }
        for queue in &mut self.queues {
            queue.pace(self.scan_interval, now);
        }
    }

    /// Starts the next visit, if a queue allows one now.
    fn start_visit(&mut self, now: Instant) -> Option<BoxFuture<'static, FinishedVisit>> {
        for (index, queue) in self.queues.iter_mut().enumerate() {
            while let Some(account) = queue.start(self.concurrency, now) {
                if queue.is_paused(&account.site, now) {
                    queue.finish();
                    self.pending.remove(&account.key);
                    continue;
                }
                let core = self.core.clone();
                return Some(Box::pin(async move {
                    let (outcome, temporary) = visit::visit(&core, &account).await;
                    FinishedVisit {
                        queue: index,
                        account,
                        outcome,
                        temporary,
                    }
                }));
            }
        }
        None
    }

    /// Updates queues, pauses and backoffs after a visit.
    fn finish_visit(&mut self, visit: FinishedVisit) {
        let now = Instant::now();
        let (core, site) = (&self.core, &visit.account.site);
        let queue = &mut self.queues[visit.queue];
        queue.finish();
        self.pending.remove(&visit.account.key);
        self.temporary.extend(visit.temporary);
        match visit.outcome {
            Outcome::StoreFailed => return self.record_backoff.extend(core, now),
            Outcome::Nothing => {}
            Outcome::Responded => queue.reset_failures(site),
            Outcome::Paused(retry_after) => {
                queue.pause(site, retry_after, &core.options, core.random.roll(), now);
                let provider = visit.account.key.brand();
                tracing::warn!(provider, "the refresher pauses a provider");
            }
            Outcome::Unrefreshable => {
                self.parked.insert(visit.account.key, now + PARKING_TIME);
            }
        }
        self.record_backoff.reset();
    }

    fn scan(&mut self, kind: ScanKind) -> &mut Scan {
        match kind {
            ScanKind::Due => &mut self.due,
            ScanKind::Attention => &mut self.attention,
        }
    }

    /// Returns the time of the next start of a visit or, if no page is pending, of a page.
    fn next_wake(&self, page_pending: bool) -> Option<Instant> {
        let starts = self.queues.iter();
        let starts = starts.filter_map(|queue| queue.next_start(self.concurrency));
        let start = starts.min().map(|at| at.max(self.record_backoff.until));
        let page = self.due.next().min(self.attention.next());
        let page = (!page_pending).then(|| page.max(self.list_backoff.until));
        start.into_iter().chain(page).min()
    }
}

/// How long an account that cannot be refreshed is skipped.
const PARKING_TIME: Duration = Duration::from_secs(60 * 60);

/// Waits for the pending page; forever if there is none.
async fn wait_for_page(page: &mut Option<PageFuture>) -> (ScanKind, Result<Page, StoreError>) {
    match page {
        Some(page) => page.await,
        None => std::future::pending().await,
    }
}

/// Waits until `wake`; forever if there is none.
async fn wait_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
