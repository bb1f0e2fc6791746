//! What a refresher does from its start until it is dropped: one task's worth of state, and no task of its own.

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
    lane::Lane,
    visit::{self, Errand, Outcome},
    walk::{Kind, Paging, Walk},
};
use crate::{
    Accounts, Error,
    engine::{Core, Slot},
};

pub(super) struct Worker {
    accounts: Accounts,
    core: Arc<Core>,
    concurrency: usize,
    every: Duration,
    due: Walk,
    attention: Walk,
    /// One for each provider, in the order of the engine's.
    lanes: Vec<Lane>,
    /// Queued or under way.
    known: HashSet<Key>,
    /// Nothing can be done about these before the time given.
    parked: HashMap<Key, Instant>,
    /// In memory only because of errands that have ended.
    guests: Vec<Arc<Slot>>,
    /// Apart, since a store may list from an index while it cannot read.
    listing: StoreRest,
    records: StoreRest,
    /// No two workers take the accounts of a page in the same order.
    order: RandomState,
}

/// An errand that has ended.
struct End {
    lane: usize,
    errand: Errand,
    outcome: Outcome,
    guest: Option<Arc<Slot>>,
}

impl Worker {
    pub(super) fn new(
        accounts: Accounts,
        concurrency: usize,
        every: Duration,
        attention_every: Duration,
    ) -> Self {
        let now = Instant::now();
        let core = accounts.core().clone();
        Self {
            lanes: core.providers.iter().map(|_| Lane::new(now)).collect(),
            accounts,
            core,
            concurrency,
            every,
            due: Walk::new(Kind::Due, every, now),
            attention: Walk::new(Kind::Attention, attention_every, now),
            known: HashSet::new(),
            parked: HashMap::new(),
            guests: Vec::new(),
            listing: StoreRest::new(now),
            records: StoreRest::new(now),
            order: RandomState::new(),
        }
    }

    /// Works until the engine closes. Dropping the future loses nothing: refreshes under way are the engine's.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let core = self.core.clone();
        let mut running: FuturesUnordered<BoxFuture<'static, End>> = FuturesUnordered::new();
        let mut paging: Option<Paging> = None;
        loop {
            let closing = core.hurry.notified();
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
                running.extend(std::iter::from_fn(|| self.next_errand(now)));
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
        for guest in self.guests.drain(..) {
            visit::let_go(&self.core, guest);
        }
        match page {
            Ok(page) => {
                self.listing.answered();
                self.queue(kind, page.keys, now);
                let due = kind == Kind::Due;
                let room = self.lanes.iter().any(|lane| lane.has_room(due));
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

    fn queue(&mut self, kind: Kind, mut keys: Vec<Key>, now: Instant) {
        let due = kind == Kind::Due;
        keys.sort_by_cached_key(|key| self.order.hash_one(key));
        for key in keys {
            if self.known.contains(&key) || self.parked.get(&key).is_some_and(|at| now < *at) {
                continue;
            }
            // Another application's, or a provider's that is no longer configured.
            let Some((index, home)) = self.accounts.home_of(&key) else {
                continue;
            };
            let lane = &mut self.lanes[index];
            if lane.has_room(due) && !lane.is_paused(&home, now) {
                self.known.insert(key.clone());
                lane.push(Errand { key, home, due }, now);
            }
        }
        for lane in &mut self.lanes {
            lane.pace(self.every, now);
        }
    }

    fn next_errand(&mut self, now: Instant) -> Option<BoxFuture<'static, End>> {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            while let Some(errand) = lane.start(self.concurrency, now) {
                if lane.is_paused(&errand.home, now) {
                    lane.ended();
                    self.known.remove(&errand.key);
                    continue;
                }
                let core = self.core.clone();
                return Some(Box::pin(async move {
                    let (outcome, guest) = visit::visit(&core, &errand).await;
                    End {
                        lane: index,
                        errand,
                        outcome,
                        guest,
                    }
                }));
            }
        }
        None
    }

    fn ended(&mut self, end: End) {
        let now = Instant::now();
        let (core, home) = (&self.core, &end.errand.home);
        let lane = &mut self.lanes[end.lane];
        lane.ended();
        self.known.remove(&end.errand.key);
        self.guests.extend(end.guest);
        match end.outcome {
            Outcome::StoreFailed => return self.records.failed(core, now),
            Outcome::Nothing => {}
            Outcome::Answered => lane.answered(home),
            Outcome::Busy(least) => {
                lane.pause(home, least, &core.options, core.random.roll(), now);
                let provider = end.errand.key.brand();
                tracing::warn!(
                    provider,
                    "the refresher leaves a provider alone for a while"
                );
            }
            Outcome::Unfit => {
                self.parked.insert(end.errand.key, now + UNFIT);
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
        let starts = self.lanes.iter();
        let starts = starts.filter_map(|lane| lane.next_start(self.concurrency));
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
            .store_retry
            .saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let jitter = 0.5 + core.random.roll() / 2.0;
        self.until = now + rest.min(LONGEST_REST).mul_f64(jitter);
    }
}
