//! A store that fails on demand, loses records, and goes back in time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokenkeeper_engine::store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};
use tokenkeeper_store_memory::MemoryStore;
use tokio::sync::Notify;

/// A fault of a call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// The call has no effect, and the caller learns that.
    Refuse,
    /// The call takes effect, and its reply is lost.
    LoseReply,
    /// The call has no effect, and the caller cannot know.
    LoseRequest,
    /// The call has no effect and never returns.
    Hang,
    /// Reads succeed, writes are refused.
    ReadOnly,
    /// The call has no effect and panics.
    Panic,
}

/// A memory store with injected faults, which counts its calls and keeps the history of each
/// record.
#[derive(Debug)]
pub struct FaultyStore {
    inner: MemoryStore,
    /// Whether the store notifies of changes.
    notifies: bool,
    plan: Mutex<Plan>,
    pub gets: AtomicUsize,
    pub puts: AtomicUsize,
    /// The puts and deletes that did not conflict.
    pub applied: AtomicUsize,
    listeners: Arc<AtomicUsize>,
    end: Arc<Notify>,
    held: Arc<Notify>,
}

/// The injected faults, and the history of each record.
#[derive(Debug, Default)]
struct Plan {
    /// Calls that succeed before the fault, and calls that fail after them.
    after: usize,
    failing: usize,
    fault: Option<StoreFault>,
    latency: Duration,
    hold: Option<Arc<Notify>>,
    history: HashMap<Key, Vec<Option<Entry>>>,
}

impl FaultyStore {
    pub fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            notifies: true,
            plan: Mutex::default(),
            gets: AtomicUsize::new(0),
            puts: AtomicUsize::new(0),
            applied: AtomicUsize::new(0),
            listeners: Arc::default(),
            end: Arc::default(),
            held: Arc::default(),
        }
    }

    /// Returns a store that does not notify of changes.
    pub fn without_notifications(inner: MemoryStore) -> Self {
        Self {
            notifies: false,
            ..Self::new(inner)
        }
    }

    /// Holds the next write until [`release`](Self::release).
    pub fn hold_next_put(&self) {
        self.plan.lock().unwrap().hold = Some(self.held.clone());
    }

    pub fn release(&self) {
        self.held.notify_one();
    }

    /// Delays every call from now on.
    pub fn delay_calls(&self, by: Duration) {
        self.plan.lock().unwrap().latency = by;
    }

    async fn simulate_latency(&self) {
        tokio::task::yield_now().await;
        let latency = self.plan.lock().unwrap().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    /// Returns the number of open change streams.
    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::SeqCst)
    }

    /// Ends the change streams, as a lost connection does.
    pub fn end_streams(&self) {
        self.end.notify_waiters();
    }

    /// Lets the next `count` calls fail.
    pub fn fail(&self, count: usize, fault: StoreFault) {
        self.fail_after(0, count, fault);
    }

    /// Lets `after` calls succeed and the next `count` fail.
    pub fn fail_after(&self, after: usize, count: usize, fault: StoreFault) {
        let mut plan = self.plan.lock().unwrap();
        plan.after = after;
        plan.failing = count;
        plan.fault = Some(fault);
    }

    pub fn recover(&self) {
        self.plan.lock().unwrap().failing = 0;
    }

    pub fn round_trips(&self) -> usize {
        self.gets.load(Ordering::SeqCst) + self.puts.load(Ordering::SeqCst)
    }

    pub fn reset_counts(&self) {
        self.gets.store(0, Ordering::SeqCst);
        self.puts.store(0, Ordering::SeqCst);
        self.applied.store(0, Ordering::SeqCst);
    }

    /// Undoes the last `steps` writes under a key, as a failover to a lagging replica does.
    pub async fn roll_back(&self, key: &Key, steps: usize) {
        let before = {
            let mut plan = self.plan.lock().unwrap();
            let history = plan.history.get_mut(key).unwrap();
            let keep = history.len() - steps;
            history.truncate(keep);
            history.last().cloned().flatten()
        };
        self.overwrite(key, before).await;
    }

    /// Removes a record, as data loss does.
    pub async fn remove(&self, key: &Key) {
        self.overwrite(key, None).await;
    }

    /// Replaces an entry, whatever its version.
    pub async fn overwrite(&self, key: &Key, entry: Option<Entry>) {
        let existing = self.inner.get(key).await.unwrap();
        let expected = existing.map(|existing| existing.version);
        let outcome = match (entry, expected) {
            (Some(entry), expected) => self.inner.put(key, &entry, expected).await.unwrap(),
            (None, Some(expected)) => self.inner.delete(key, expected).await.unwrap(),
            (None, None) => Outcome::Applied,
        };
        assert_eq!(outcome, Outcome::Applied);
    }

    /// Replaces an entry by one that only a later version of the library can read, and returns it.
    pub async fn make_unreadable(&self, key: &Key) -> Entry {
        let mut entry = self.entry(key).await.expect("there is a record");
        (entry.value, entry.version) = (r#"{"format":99}"#.into(), Version::random());
        self.overwrite(key, Some(entry.clone())).await;
        entry
    }

    pub async fn entry(&self, key: &Key) -> Option<Entry> {
        self.inner.get(key).await.unwrap()
    }

    /// Returns the record as JSON.
    pub async fn record(&self, key: &Key) -> serde_json::Value {
        let entry = self.entry(key).await.expect("there is a record");
        serde_json::from_slice::<serde_json::Value>(&entry.value).unwrap()["record"].take()
    }

    fn fault(&self) -> Option<StoreFault> {
        let mut plan = self.plan.lock().unwrap();
        if plan.failing == 0 {
            return None;
        }
        if plan.after > 0 {
            plan.after -= 1;
            return None;
        }
        plan.failing -= 1;
        plan.fault
    }

    fn remember(&self, key: &Key, entry: Option<Entry>) {
        let mut plan = self.plan.lock().unwrap();
        let history = plan.history.entry(key.clone()).or_insert(vec![None]);
        history.push(entry);
    }

    async fn change(
        &self,
        key: &Key,
        entry: Option<Entry>,
        change: impl Future<Output = Result<Outcome, StoreError>>,
    ) -> Result<Outcome, StoreError> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.simulate_latency().await;
        let held = self.plan.lock().unwrap().hold.take();
        if let Some(held) = held {
            held.notified().await;
        }
        let fault = self.fault();
        match fault {
            Some(StoreFault::Refuse | StoreFault::ReadOnly) => {
                return Err(StoreError::unavailable("refused"));
            }
            Some(StoreFault::LoseRequest) => return Err(StoreError::ambiguous("request lost")),
            Some(StoreFault::Hang) => std::future::pending().await,
            Some(StoreFault::Panic) => panic!("a panic of a test"),
            Some(StoreFault::LoseReply) | None => {}
        }
        let outcome = change.await?;
        if outcome.is_applied() {
            self.applied.fetch_add(1, Ordering::SeqCst);
            self.remember(key, entry);
        }
        if fault.is_some() {
            return Err(StoreError::ambiguous("reply lost"));
        }
        tokio::task::yield_now().await;
        Ok(outcome)
    }
}

#[async_trait]
impl TokenStore for FaultyStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.simulate_latency().await;
        match self.fault() {
            None | Some(StoreFault::ReadOnly) => self.inner.get(key).await,
            Some(StoreFault::Hang) => std::future::pending().await,
            Some(StoreFault::Panic) => panic!("a panic of a test"),
            Some(_) => Err(StoreError::unavailable("refused")),
        }
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let change = self.inner.put(key, entry, expected);
        self.change(key, Some(entry.clone()), change).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let change = self.inner.delete(key, expected);
        self.change(key, None, change).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.inner.list(filter, cursor, limit).await
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.inner.claim(keys, now, lasting).await
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let stream = self.inner.watch().filter(|_| self.notifies)?;
        let (listener, end) = (Listener::enter(&self.listeners), self.end.clone());
        let ended = async move { end.notified().await };
        let stream = stream.take_until(Box::pin(ended)).map(move |change| {
            let _ = &listener;
            change
        });
        Some(Box::pin(stream))
    }
}

/// Counts an open change stream.
struct Listener(Arc<AtomicUsize>);

impl Listener {
    fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
