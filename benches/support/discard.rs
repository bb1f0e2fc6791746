//! A store that keeps nothing.

use async_trait::async_trait;
use tokenkeeper_engine::store::{Entry, Key, Outcome, StoreError, TokenStore, Version};

/// A store that accepts every write and keeps nothing, so that only the engine's memory counts.
#[derive(Debug)]
pub struct DiscardStore;

#[async_trait]
impl TokenStore for DiscardStore {
    async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }

    async fn put(&self, _: &Key, _: &Entry, _: Option<Version>) -> Result<Outcome, StoreError> {
        Ok(Outcome::Applied)
    }

    async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
        Ok(Outcome::Applied)
    }
}
