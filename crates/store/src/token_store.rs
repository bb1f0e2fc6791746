//! The trait that every store implements.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{BoxStream, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, Version};

/// Keeps entries under keys and changes them by compare-and-swap only.
///
/// No unconditional write exists, so none can be made by accident.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The entry under `key`, as of the last write that anybody was told of.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// Writes `entry` if the entry under `key` is now at `expected` (`None`: there is none).
    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError>;

    /// Removes the entry under `key` if it is now at `expected`.
    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError>;

    /// A page of at most `limit` keys of the entries that `filter` accepts, from where `cursor` points.
    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let _ = (filter, cursor, limit);
        Err(StoreError::Unsupported("listing"))
    }

    /// Keys as they change, by whatever process.
    fn watch(&self) -> Option<BoxStream<'static, Key>> {
        None
    }
}

#[async_trait]
impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        (**self).get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        (**self).put(key, entry, expected).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        (**self).delete(key, expected).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        (**self).list(filter, cursor, limit).await
    }

    fn watch(&self) -> Option<BoxStream<'static, Key>> {
        (**self).watch()
    }
}
