//! A store that reports its writes, above the encryption.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokenkeeper::store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};

use super::EventWriter;
use crate::{
    config,
    fingerprint::Fingerprint,
    message::{PutOutcome, WorkerEvent, now},
};

/// A store that reports each write.
#[derive(Debug)]
pub(crate) struct LoggingStore {
    store: Arc<dyn TokenStore>,
    events: EventWriter,
}

impl LoggingStore {
    pub(crate) fn new(store: Arc<dyn TokenStore>, events: EventWriter) -> Self {
        Self { store, events }
    }
}

#[async_trait]
impl TokenStore for LoggingStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let mut put = PutLog {
            events: &self.events,
            key,
            entry,
            began: now(),
            outcome: PutOutcome::Failed,
        };
        let result = self.store.put(key, entry, expected).await;
        put.outcome = match &result {
            Ok(Outcome::Applied) => PutOutcome::Applied,
            Ok(Outcome::Conflict(Some(there))) if there.version == entry.version => PutOutcome::Own,
            Ok(Outcome::Conflict(_)) => PutOutcome::Conflict,
            Err(_) => PutOutcome::Failed,
        };
        result
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.store.delete(key, expected).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.store.list(filter, cursor, limit).await
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.store.claim(keys, now, lasting).await
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.store.watch()
    }
}

/// Reports a write when it ends, or when its caller drops it.
struct PutLog<'a> {
    events: &'a EventWriter,
    key: &'a Key,
    entry: &'a Entry,
    began: u64,
    outcome: PutOutcome,
}

impl Drop for PutLog<'_> {
    fn drop(&mut self) {
        let Some(account) = config::account_of(self.key.subject()) else {
            return;
        };
        let value = &self.entry.value;
        self.events.write(WorkerEvent::Put {
            account,
            began: self.began,
            version: format!("{:?}", self.entry.version),
            outcome: self.outcome,
            tokens: Fingerprint::all_in(value),
            dead: contains(value, br#""dead""#),
            tombstone: contains(value, br#""ended":"#),
        });
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
