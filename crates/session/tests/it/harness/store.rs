//! A store that fails when it is told to, loses what it has, and goes back in time.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tokenkeeper_session::store::{
    BoxStream, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};
use tokenkeeper_store_memory::MemoryStore;

/// What a call to the store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the caller is told so.
    Refuse,
    /// It is done, and the caller is not told.
    LoseReply,
    /// Nothing is done, and the caller is told nothing.
    LoseRequest,
}

#[derive(Debug)]
pub struct FaultyStore {
    inner: MemoryStore,
    /// Tells nobody of changes.
    mute: bool,
    plan: Mutex<Plan>,
    pub gets: AtomicUsize,
    pub puts: AtomicUsize,
}

#[derive(Debug, Default)]
struct Plan {
    /// Calls that still go through before the fault; then so many fail.
    after: usize,
    failing: usize,
    fault: Option<Fault>,
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
        }
    }

    /// A store that tells nobody of changes.
    pub fn mute(inner: MemoryStore) -> Self {
        Self {
            mute: true,
            ..Self::new(inner)
        }
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
        tokio::task::yield_now().await;
        let fault = self.fault();
        match fault {
            Some(Fault::Refuse) => return Err(StoreError::unavailable("refused")),
            Some(Fault::LoseRequest) => return Err(StoreError::ambiguous("request lost")),
            Some(Fault::LoseReply) | None => {}
        }
        let outcome = change.await?;
        if outcome.is_applied() {
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
        tokio::task::yield_now().await;
        if self.fault().is_some() {
            return Err(StoreError::unavailable("refused"));
        }
        self.inner.get(key).await
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

    fn watch(&self) -> Option<BoxStream<'static, Key>> {
        self.inner.watch().filter(|_| !self.mute)
    }
}
