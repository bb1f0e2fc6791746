//! A store at the other end of a network.

use async_trait::async_trait;
use tokenkeeper_engine::store::{Entry, Key, Outcome, StoreError, TokenStore, Version};

/// A store that takes every write and keeps nothing in this process: what is counted is the engine's alone.
#[derive(Debug)]
pub struct Elsewhere;

#[async_trait]
impl TokenStore for Elsewhere {
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
