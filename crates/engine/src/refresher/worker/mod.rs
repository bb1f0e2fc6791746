//! The loop of a running refresher. It spawns no task: dropping its future stops it.

mod listing;
mod status;
mod visits;

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokenkeeper_store::Key;
use tokio::time::Instant;

use self::status::Status;
use super::{
    backoff::StoreBackoff,
    page::PageKind,
    queue::ProviderQueue,
    step::{Step, StepFuture},
    walk::Walk,
};
use crate::{
    engine::{AccountEntry, Core, registry},
    episode::Episode,
    error::Error,
};

/// The state of a running refresher.
pub(super) struct Worker {
    core: Arc<Core>,
    scan_interval: Duration,
    due: Walk,
    attention: Walk,
    /// Whether the walk over accounts that need attention left some for lack of room.
    attention_left: bool,
    /// One queue per provider, in the order of `Core::providers`.
    queues: Vec<ProviderQueue>,
    /// The calls in flight.
    steps: FuturesUnordered<StepFuture>,
    /// The accounts that are queued or being visited.
    pending: HashSet<Key>,
    /// Accounts that cannot be refreshed, and when to try again. These may be a whole fleet, so
    /// they are kept as hashes.
    parked: HashMap<u64, Instant>,
    /// Entries that are in memory only because of finished visits, until they are at rest.
    temporary: Vec<Arc<AccountEntry>>,
    /// How many of these there are before a page leads to another try to evict them.
    evict_at: usize,
    backoffs: Backoffs,
    unread: Unread,
    status: Status,
    /// Hashes keys, so that each worker visits the accounts of a page in another order.
    order: RandomState,
}

/// The backoffs from calls of the store, by kind: a store may list from an index while it cannot
/// read.
struct Backoffs {
    list: StoreBackoff,
    claim: StoreBackoff,
    /// Reads and writes.
    record: StoreBackoff,
}

/// Parts of the store that listings could not read.
#[derive(Default)]
struct Unread {
    episode: Episode,
    /// When all due accounts are listed again, if all parts can be read by then.
    relist_at: Option<Instant>,
}

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        concurrency: usize,
        scan_interval: Duration,
        attention_interval: Duration,
    ) -> Self {
        let now = Instant::now();
        let queue = |provider| {
            let has_one_site = registry::base_of(provider).is_some();
            ProviderQueue::new(concurrency, has_one_site, now)
        };
        let is_recent = false;
        Self {
            queues: core.providers.iter().map(queue).collect(),
            status: Status::new(&core),
            core,
            scan_interval,
            due: Walk::new(PageKind::Due { is_recent }, scan_interval, now),
            attention: Walk::new(PageKind::Attention, attention_interval, now),
            attention_left: false,
            steps: FuturesUnordered::new(),
            pending: HashSet::new(),
            parked: HashMap::new(),
            temporary: Vec::new(),
            evict_at: 0,
            backoffs: Backoffs {
                list: StoreBackoff::new(0, now),
                claim: StoreBackoff::new(TOLERATED_CLAIMS, now),
                record: StoreBackoff::new(TOLERATED_RECORDS, now),
            },
            unread: Unread::default(),
            order: RandomState::new(),
        }
    }

    /// Works until the engine closes. Cancel safe: the engine finishes the refreshes in flight.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let core = self.core.clone();
        loop {
            let closing = core.closed.notified();
            tokio::pin!(closing);
            closing.as_mut().enable();
            if core.is_closing() {
                return Ok(());
            }
            let wake = self.start(Instant::now());
            tokio::select! {
                () = closing => {}
                Some(step) = self.steps.next() => self.handle(step)?,
                () = wait_until(wake) => {}
            }
        }
    }

    /// Starts the calls whose time has come. Returns the time of the next one.
    fn start(&mut self, now: Instant) -> Option<Instant> {
        let pages = self.start_pages(now);
        let claims = self.start_claims(now);
        let visits = self.start_visits(now);
        [pages, claims, visits].into_iter().flatten().min()
    }

    /// Takes a result.
    fn handle(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Listed(listed) => return self.handle_page(listed),
            Step::SlowClaim { queue, rest } => self.handle_slow_claim(queue, rest),
            Step::Claimed {
                queue,
                claim,
                was_slow,
            } => self.handle_claim(queue, claim, was_slow),
            Step::SlowRead { queue, rest } => self.handle_slow_read(queue, rest),
            Step::Read { queue, read } => self.handle_read(queue, read),
            Step::Finished {
                queue,
                visit,
                held_for,
            } => {
                self.queues[queue].end_visit(held_for);
                self.finish_visit(queue, visit);
            }
        }
        Ok(())
    }
}

/// How many claims in a row may fail before the worker pauses: one may be of accounts that are all
/// in the same part of the store.
const TOLERATED_CLAIMS: u32 = 4;

/// How many visits in a row may fail because of the store before the worker pauses: a third of the
/// store may be away.
const TOLERATED_RECORDS: u32 = 16;

/// Waits until `wake`; forever if there is none.
async fn wait_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
