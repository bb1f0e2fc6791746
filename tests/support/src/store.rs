//! A store that fails when it is told to, loses what it has, and goes back in time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokenkeeper_engine::store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};
use tokenkeeper_store_memory::MemoryStore;
use tokio::sync::Notify;

/// What a call to the store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the caller is told so.
    Refuse,
    /// It is done, and the caller is not told.
    LoseReply,
    /// Nothing is done, and the caller is told nothing.
    LoseRequest,
    /// Nothing is done, and no answer ever comes.
    Hang,
    /// Reads go through, writes are refused.
    ReadOnly,
    /// The store's own code panics, and nothing is done.
    Panic,
}

#[derive(Debug)]
pub struct FaultyStore {
    inner: MemoryStore,
    /// Tells nobody of changes.
    mute: bool,
    plan: Mutex<Plan>,
    pub gets: AtomicUsize,
    pub puts: AtomicUsize,
    /// Of them those that did not conflict.
    pub applied: AtomicUsize,
    listeners: Arc<AtomicUsize>,
    end: Arc<Notify>,
    held: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Plan {
    /// Calls that still go through before the fault; then so many fail.
    after: usize,
    failing: usize,
    fault: Option<Fault>,
    slow: Duration,
    hold: Option<Arc<Notify>>,
    history: HashMap<Key, Vec<Option<Entry>>>,
}

impl FaultyStore {
    pub fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            mute: false,
            plan: Mutex::default(),
            gets: AtomicUsize::new(0),
            puts: AtomicUsize::new(0),
            applied: AtomicUsize::new(0),
            listeners: Arc::default(),
            end: Arc::default(),
            held: Arc::default(),
        }
    }

    /// A store that tells nobody of changes.
    pub fn mute(inner: MemoryStore) -> Self {
        Self {
            mute: true,
            ..Self::new(inner)
        }
    }

    /// The next write waits until it is [let go](Self::let_go).
    pub fn hold_next_put(&self) {
        self.plan.lock().unwrap().hold = Some(self.held.clone());
    }

    pub fn let_go(&self) {
        self.held.notify_one();
    }

    /// Every call takes so long from now on.
    pub fn slow(&self, by: Duration) {
        self.plan.lock().unwrap().slow = by;
    }

    async fn take_time(&self) {
        tokio::task::yield_now().await;
        let slow = self.plan.lock().unwrap().slow;
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
    }

    /// How many streams of changes are held.
    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::SeqCst)
    }

    /// Ends the streams of changes, as a lost connection does.
    pub fn end_streams(&self) {
        self.end.notify_waiters();
    }

    /// The next `count` calls fail.
    pub fn fail(&self, count: usize, fault: Fault) {
        self.fail_after(0, count, fault);
    }

    /// `after` calls go through, then `count` fail.
    pub fn fail_after(&self, after: usize, count: usize, fault: Fault) {
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

    /// Undoes the last `steps` writes under a key, as a failover does that had not heard of them.
    pub async fn go_back(&self, key: &Key, steps: usize) {
        let before = {
            let mut plan = self.plan.lock().unwrap();
            let history = plan.history.get_mut(key).unwrap();
            let keep = history.len() - steps;
            history.truncate(keep);
            history.last().cloned().flatten()
        };
        self.overwrite(key, before).await;
    }

    /// Loses a record.
    pub async fn lose(&self, key: &Key) {
        self.overwrite(key, None).await;
    }

    /// Puts other bytes in place of a record's.
    pub async fn overwrite(&self, key: &Key, entry: Option<Entry>) {
        let there = self.inner.get(key).await.unwrap();
        let expected = there.map(|there| there.version);
        let outcome = match (entry, expected) {
            (Some(entry), expected) => self.inner.put(key, &entry, expected).await.unwrap(),
            (None, Some(expected)) => self.inner.delete(key, expected).await.unwrap(),
            (None, None) => Outcome::Applied,
        };
        assert_eq!(outcome, Outcome::Applied);
    }

    /// Puts a record in place that only a later version can read. Says which.
    pub async fn make_unreadable(&self, key: &Key) -> Entry {
        let mut entry = self.entry(key).await.expect("there is a record");
        (entry.value, entry.version) = (r#"{"format":99}"#.into(), Version::random());
        self.overwrite(key, Some(entry.clone())).await;
        entry
    }

    pub async fn entry(&self, key: &Key) -> Option<Entry> {
        self.inner.get(key).await.unwrap()
    }

    /// The record as JSON.
    pub async fn record(&self, key: &Key) -> serde_json::Value {
        let entry = self.entry(key).await.expect("there is a record");
        serde_json::from_slice::<serde_json::Value>(&entry.value).unwrap()["record"].take()
    }

    fn fault(&self) -> Option<Fault> {
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
        self.take_time().await;
        let held = self.plan.lock().unwrap().hold.take();
        if let Some(held) = held {
            held.notified().await;
        }
        let fault = self.fault();
        match fault {
            Some(Fault::Refuse | Fault::ReadOnly) => {
                return Err(StoreError::unavailable("refused"));
            }
            Some(Fault::LoseRequest) => return Err(StoreError::ambiguous("request lost")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Panic) => panic!("a panic of a test"),
            Some(Fault::LoseReply) | None => {}
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
        self.take_time().await;
        match self.fault() {
            None | Some(Fault::ReadOnly) => self.inner.get(key).await,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Panic) => panic!("a panic of a test"),
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

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let stream = self.inner.watch().filter(|_| !self.mute)?;
        let (listener, end) = (Listener::enter(&self.listeners), self.end.clone());
        let ended = async move { end.notified().await };
        let stream = stream.take_until(Box::pin(ended)).map(move |change| {
            let _ = &listener;
            change
        });
        Some(Box::pin(stream))
    }
}

/// Counted as long as its stream is held.
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
