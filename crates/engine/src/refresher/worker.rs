//! What a refresher does from its start until it is dropped: one task's worth of state, and no task
//! of its own.

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
    queue::ProviderQueue,
    visit::{self, DueAccount, Outcome},
    walk::{Kind, Paging, Walk},
};
use crate::{
    engine::{AccountEntry, Core, registry},
    error::Error,
};

pub(super) struct Worker {
    core: Arc<Core>,
    concurrency: usize,
    every: Duration,
    due: Walk,
    attention: Walk,
    /// One for each provider, in the order of the engine's.
    queues: Vec<ProviderQueue>,
    /// Queued or under way.
    known: HashSet<Key>,
    /// Nothing can be done about these before the time given.
    parked: HashMap<Key, Instant>,
    /// In memory only because of visits that have ended; those not at rest stay for the time being.
    temporary: Vec<Arc<AccountEntry>>,
    /// Apart, since a store may list from an index while it cannot read.
    listing: StoreRest,
    records: StoreRest,
    /// No two workers take the accounts of a page in the same order.
    order: RandomState,
}

/// A visit that has ended.
struct End {
    queue: usize,
    account: DueAccount,
    outcome: Outcome,
    temporary: Option<Arc<AccountEntry>>,
}

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        concurrency: usize,
        every: Duration,
        attention_every: Duration,
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
            every,
            due: Walk::new(Kind::Due, every, now),
            attention: Walk::new(Kind::Attention, attention_every, now),
            known: HashSet::new(),
            parked: HashMap::new(),
            temporary: Vec::new(),
            listing: StoreRest::new(now),
            records: StoreRest::new(now),
            order: RandomState::new(),
        }
    }

    /// Works until the engine closes. Dropping the future loses nothing: refreshes under way are
    /// the engine's.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let core = self.core.clone();
        let mut running: FuturesUnordered<BoxFuture<'static, End>> = FuturesUnordered::new();
        let mut paging: Option<Paging> = None;
        loop {
            let closing = core.closed.notified();
            tokio::pin!(closing);
            closing.as_mut().enable();
            if core.is_closing() {
                return Ok(());
            }
            let now = Instant::now();
            if now >= self.listing.until {
                paging = paging.or_else(|| self.next_page(now));
            }
            if now >= self.records.until {
                running.extend(std::iter::from_fn(|| self.next_account(now)));
            }
            let wake = self.wake(paging.is_some());
            tokio::select! {
                () = closing => {}
                Some(end) = running.next() => self.ended(end),
                (kind, page) = arrival(&mut paging) => {
                    paging = None;
                    self.listed(kind, page)?;
                }
                () = at(wake) => {}
            }
        }
    }

    fn next_page(&mut self, now: Instant) -> Option<Paging> {
        let walk = if now >= self.due.next() {
            &mut self.due
        } else if now >= self.attention.next() {
            &mut self.attention
        } else {
            return None;
        };
        Some(walk.page(&self.core, now))
    }

    fn listed(&mut self, kind: Kind, page: Result<Page, StoreError>) -> Result<(), Error> {
        let now = Instant::now();
        let temporary = std::mem::take(&mut self.temporary).into_iter();
        self.temporary = temporary
            .filter_map(|entry| visit::let_go(&self.core, entry))
            .collect();
        match page {
            Ok(page) => {
                self.listing.answered();
                self.enqueue(kind, page.keys, now);
                let due = kind == Kind::Due;
                let room = self.queues.iter().any(|queue| queue.has_room(due));
                if page.next.is_none() {
                    self.parked.retain(|_, until| *until > now);
                }
                let (every, roll) = (self.every, self.core.random.roll());
                self.walk(kind).went_on(page.next, room, every, roll, now);
            }
            Err(error @ StoreError::Unsupported(_)) => return Err(Error::Listing(Arc::new(error))),
            Err(error) => {
                tracing::warn!(%error, "the refresher cannot list accounts");
                self.walk(kind).failed();
                self.listing.failed(&self.core, now);
            }
        }
        Ok(())
    }

    fn enqueue(&mut self, kind: Kind, mut keys: Vec<Key>, now: Instant) {
        let due = kind == Kind::Due;
        keys.sort_by_cached_key(|key| self.order.hash_one(key));
        for key in keys {
            if self.known.contains(&key) || self.parked.get(&key).is_some_and(|at| now < *at) {
                continue;
            }
            // Another application's, or a provider's that is no longer configured.
            let Some((index, site)) = registry::site_of_key(&self.core, &key) else {
                continue;
            };
            let queue = &mut self.queues[index];
            if queue.has_room(due) && !queue.is_paused(&site, now) {
                self.known.insert(key.clone());
                queue.push(DueAccount { key, site, due }, now);
            }
        }
        for queue in &mut self.queues {
            queue.pace(self.every, now);
        }
    }

    fn next_account(&mut self, now: Instant) -> Option<BoxFuture<'static, End>> {
        for (index, queue) in self.queues.iter_mut().enumerate() {
            while let Some(account) = queue.start(self.concurrency, now) {
                if queue.is_paused(&account.site, now) {
                    queue.ended();
                    self.known.remove(&account.key);
                    continue;
                }
                let core = self.core.clone();
                return Some(Box::pin(async move {
                    let (outcome, temporary) = visit::visit(&core, &account).await;
                    End {
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

    fn ended(&mut self, end: End) {
        let now = Instant::now();
        let (core, site) = (&self.core, &end.account.site);
        let queue = &mut self.queues[end.queue];
        queue.ended();
        self.known.remove(&end.account.key);
        self.temporary.extend(end.temporary);
        match end.outcome {
            Outcome::StoreFailed => return self.records.failed(core, now),
            Outcome::Nothing => {}
            Outcome::Answered => queue.answered(site),
            Outcome::Busy(least) => {
                queue.pause(site, least, &core.options, core.random.roll(), now);
                let provider = end.account.key.brand();
                tracing::warn!(
                    provider,
                    "the refresher leaves a provider alone for a while"
                );
            }
            Outcome::Unfit => {
                self.parked.insert(end.account.key, now + UNFIT);
            }
        }
        self.records.answered();
    }

    fn walk(&mut self, kind: Kind) -> &mut Walk {
        match kind {
            Kind::Due => &mut self.due,
            Kind::Attention => &mut self.attention,
        }
    }

    /// When there is something to do besides waiting for what is under way.
    fn wake(&self, paging: bool) -> Option<Instant> {
        let starts = self.queues.iter();
        let starts = starts.filter_map(|queue| queue.next_start(self.concurrency));
        let start = starts.min().map(|at| at.max(self.records.until));
        let page = self.due.next().min(self.attention.next());
        let page = (!paging).then(|| page.max(self.listing.until));
        start.into_iter().chain(page).min()
    }
}

/// How long an account is left alone that nothing can be done about.
const UNFIT: Duration = Duration::from_secs(60 * 60);

/// The page on its way; for ever, if none is.
async fn arrival(paging: &mut Option<Paging>) -> (Kind, Result<Page, StoreError>) {
    match paging {
        Some(paging) => paging.await,
        None => std::future::pending().await,
    }
}

async fn at(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// A store that failed is left alone for a while.
struct StoreRest {
    until: Instant,
    /// In a row.
    failures: u32,
}

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(30);

impl StoreRest {
    fn new(now: Instant) -> Self {
        Self {
            until: now,
            failures: 0,
        }
    }

    fn answered(&mut self) {
        self.failures = 0;
    }

    fn failed(&mut self, core: &Core, now: Instant) {
        // Those that were on their way when it began say nothing new.
        if now < self.until {
            return;
        }
        let rest = core
            .options
            .store_retry_interval
            .saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let jitter = 0.5 + core.random.roll() / 2.0;
        self.until = now + rest.min(LONGEST_REST).mul_f64(jitter);
    }
}
