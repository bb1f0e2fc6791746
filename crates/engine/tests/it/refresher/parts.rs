//! A store in three parts, of which one fails on demand, and which counts its calls; and the
//! refresher on it.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokenkeeper_engine::store::{
    Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};
use tokenkeeper_store_memory::MemoryStore;

use super::{fleet::Fleet, run};
use crate::harness::{MINUTE, SECOND};

/// A fault of a part of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartFault {
    /// It refuses every call.
    Refuses,
    /// It is listed and claimed, and never answers a read or a write.
    Hangs,
}

/// A view of a store that is shared with other processes.
#[derive(Debug)]
pub struct PartedStore {
    inner: MemoryStore,
    fault: Mutex<Option<PartFault>>,
    /// How long a listing takes.
    pub listing_time: Duration,
    /// Whether accounts can be claimed.
    pub claims: bool,
    pub gets: AtomicUsize,
    pub lists: AtomicUsize,
    pub claim_calls: AtomicUsize,
}

impl PartedStore {
    pub fn new(inner: &MemoryStore) -> Self {
        Self {
            inner: inner.clone(),
            fault: Mutex::default(),
            listing_time: Duration::from_millis(1),
            claims: true,
            gets: AtomicUsize::new(0),
            lists: AtomicUsize::new(0),
            claim_calls: AtomicUsize::new(0),
        }
    }

    pub fn set_fault(&self, fault: Option<PartFault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Returns the fault of a key's part.
    fn fault(&self, key: &Key) -> Option<PartFault> {
        self.fault
            .lock()
            .unwrap()
            .filter(|_| is_in_failing_part(key))
    }

    async fn reach(&self, key: &Key) -> Result<(), StoreError> {
        match self.fault(key) {
            None => Ok(()),
            Some(PartFault::Refuses) => Err(StoreError::unavailable("this part is away")),
            Some(PartFault::Hangs) => std::future::pending().await,
        }
    }
}

/// Returns whether a key is in the part that may fail: every third.
pub fn is_in_failing_part(key: &Key) -> bool {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish().is_multiple_of(3)
}

#[async_trait]
impl TokenStore for PartedStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.reach(key).await?;
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.reach(key).await?;
        self.inner.put(key, entry, expected).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.reach(key).await?;
        self.inner.delete(key, expected).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.listing_time).await;
        let mut page = self.inner.list(filter, cursor, limit).await?;
        if *self.fault.lock().unwrap() == Some(PartFault::Refuses) {
            page.keys.retain(|key| !is_in_failing_part(key));
            return Ok(page.with_unread(vec![StoreError::unavailable("this part is away")]));
        }
        Ok(page)
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.claim_calls.fetch_add(1, Ordering::SeqCst);
        if !self.claims {
            return Ok(keys.to_vec());
        }
        let reached = |key: &&Key| self.fault(key) != Some(PartFault::Refuses);
        let keys: Vec<Key> = keys.iter().filter(reached).cloned().collect();
        self.inner.claim(&keys, now, lasting).await
    }
}

/// A fleet of overdue accounts whose visits take a second, and a view of its store.
async fn overdue(size: u32) -> (Fleet, Arc<PartedStore>) {
    let fleet = Fleet::connect(size, MINUTE).await;
    tokio::time::advance(55 * MINUTE).await;
    fleet.provider.answer_after(SECOND);
    let store = Arc::new(PartedStore::new(&fleet.store));
    (fleet, store)
}

/// Returns how many of the fleet's accounts are in the part that may fail.
fn failing(fleet: &Fleet, size: u32) -> u32 {
    let accounts = fleet.process();
    let keys = (0..size).map(|n| accounts.account("plain", &n.to_string()).unwrap().key());
    keys.filter(is_in_failing_part).count() as u32
}

/// Returns the time in which eight lanes visit this many accounts.
fn ideal(accounts: u32) -> Duration {
    SECOND * accounts.div_ceil(8)
}

#[tokio::test(start_paused = true)]
async fn accounts_outside_a_failing_part_are_refreshed_at_full_rate() {
    let (fleet, store) = overdue(600).await;
    store.set_fault(Some(PartFault::Refuses));
    let living = 600 - failing(&fleet, 600);
    let process = fleet.process_on(store.clone());
    let time = ideal(living).mul_f64(1.15);
    let work = async {
        tokio::time::sleep(time).await;
        fleet
            .provider
            .seen(|seen| assert_eq!(seen.refreshed, living));
        // Then the part is back.
        store.set_fault(None);
        tokio::time::sleep(ideal(600 - living).mul_f64(1.15) + 15 * SECOND).await;
    };
    process.refresher().run(work).await.unwrap();
    fleet
        .provider
        .seen(|seen| assert_eq!((seen.refreshed, seen.refused), (600, 0)));
}

#[tokio::test(start_paused = true)]
async fn reads_that_hang_hold_no_lane() {
    let (fleet, store) = overdue(600).await;
    store.set_fault(Some(PartFault::Hangs));
    let hung = failing(&fleet, 600);
    let process = fleet.process_on(store.clone());
    // A hung read holds a lane for a quarter of a second, and not until its time-out.
    let time = ideal(600 - hung).mul_f64(1.15) + ideal(hung) / 4;
    let work = async {
        tokio::time::sleep(time).await;
        fleet
            .provider
            .seen(|seen| assert_eq!(seen.refreshed, 600 - hung));
        store.set_fault(None);
        tokio::time::sleep(ideal(hung) + MINUTE).await;
    };
    process.refresher().run(work).await.unwrap();
    fleet
        .provider
        .seen(|seen| assert_eq!((seen.refreshed, seen.refused), (600, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_failing_part_is_read_rarely() {
    let (fleet, store) = overdue(600).await;
    store.set_fault(Some(PartFault::Hangs));
    let hung = failing(&fleet, 600) as usize;
    let process = fleet.process_on(store.clone());
    let time = 10 * MINUTE;
    run(process.refresher(), time).await;
    // An account that cannot be read is tried again after half a minute, or later.
    let most = 600 - hung + hung * time.as_secs() as usize / 30;
    let gets = store.gets.load(Ordering::SeqCst);
    assert!(gets <= most, "{gets} reads, at most {most}");
}
