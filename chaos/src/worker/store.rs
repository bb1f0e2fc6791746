//! The store, and what is asked of it. It lies above the encryption, as the engine does.

use async_trait::async_trait;
use std::sync::Arc;

use tokenkeeper::store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};

use super::Mouth;
use crate::{
    mark::Mark,
    said::{PutOutcome, Said, now},
    terms,
};

#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn TokenStore>,
    mouth: Mouth,
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn TokenStore>, mouth: Mouth) -> Self {
        Self { store, mouth }
    }
}

#[async_trait]
impl TokenStore for Watched {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let mut telling = Telling {
            mouth: &self.mouth,
            key,
            entry,
            began: now(),
            outcome: PutOutcome::Failed,
        };
        let result = self.store.put(key, entry, expected).await;
        telling.outcome = match &result {
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

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.store.watch()
    }
}

/// Tells of a write when it is over, or when nobody waits for it any more.
struct Telling<'a> {
    mouth: &'a Mouth,
    key: &'a Key,
    entry: &'a Entry,
    began: u64,
    outcome: PutOutcome,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        let Some(account) = terms::account_of(self.key.subject()) else {
            return;
        };
        let value = &self.entry.value;
        self.mouth.say(Said::Put {
            account,
            began: self.began,
            version: format!("{:?}", self.entry.version),
            outcome: self.outcome,
            carries: Mark::all_in(value),
            dead: contains(value, br#""dead""#),
            tombstone: contains(value, br#""ended":"#),
        });
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
