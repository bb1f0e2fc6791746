//! A store as in the documentation of the trait, which never forgets, for tests of decorators.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokenkeeper_store::{
    Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};

/// A clone shares the entries.
#[derive(Clone, Debug, Default)]
pub struct SimpleStore {
    pub entries: Arc<Mutex<BTreeMap<Key, Entry>>>,
}

#[async_trait]
impl TokenStore for SimpleStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.entries.lock().expect("no panic").get(key).cloned())
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let mut entries = self.entries.lock().expect("no panic");
        let there = entries.get(key);
        if there.map(|there| there.version) != expected {
            return Ok(Outcome::Conflict(there.cloned()));
        }
        entries.insert(key.clone(), entry.clone());
        Ok(Outcome::Applied)
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let mut entries = self.entries.lock().expect("no panic");
        let there = entries.get(key);
        if there.map(|there| there.version) != Some(expected) {
            return Ok(Outcome::Conflict(there.cloned()));
        }
        entries.remove(key);
        Ok(Outcome::Applied)
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let from = match cursor {
            None => Unbounded,
            Some(last) => Excluded(Key::from_bytes(last.as_bytes()).map_err(StoreError::other)?),
        };
        let entries = self.entries.lock().expect("no panic");
        let accepted = entries
            .range((from, Unbounded))
            .filter(|(_, entry)| filter.accepts(entry));
        let keys: Vec<Key> = accepted.map(|(key, _)| key.clone()).take(limit).collect();
        let next = keys.get(limit - 1).map(|last| Cursor::new(last.to_bytes()));
        Ok(Page::new(keys, next))
    }
}
