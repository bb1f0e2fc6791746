//! The trait that every store implements.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, Version};

/// Keeps [entries](Entry) under [keys](Key), and changes them only by compare-and-swap.
///
/// No unconditional write exists, so none can be made by accident. The caller makes the [`Version`] of each write; a
/// store keeps it and compares it. Whoever does not learn what came of a write reads back: finding its own version
/// proves that the write landed.
///
/// # What a store promises
/// - **[`get`](Self::get) is linearizable**: it shows the last write that anybody was told of, never a replica's idea.
/// - **Compare and write are one step.** Looking first and writing then loses one of two racing writes.
/// - **An entry is never lost before its [`keep_until`](Entry::keep_until)**, by the store's own clock, and may be forgotten
///   after it. A store never evicts: evicting a refresh token logs a person out. At its bound it refuses a new key with
///   [`StoreError::Full`], and keys that are there can still be written.
/// - **An entry is whole**: what is read is what one `put` wrote, all of it, times to the
///   [millisecond](crate::unix_millis).
/// - **A dropped future has made its write or has not**, or makes it yet: the caller treats it as it treats
///   [`StoreError::Ambiguous`].
/// - **Errors tell what is known**: [`StoreError::Unavailable`] only if nothing was written, [`StoreError::Ambiguous`] if
///   something may have been.
///
/// The [conformance suite](crate#conformance) tests all of it that can be tested from outside.
///
/// # A store of your own
/// A whole one, which keeps everything in a map and lists it in the order of the keys:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::ops::Bound::{Excluded, Unbounded};
/// use std::sync::{Mutex, PoisonError};
/// use std::time::SystemTime;
///
/// use async_trait::async_trait;
/// use tokenkeeper_store::{Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version};
///
/// #[derive(Debug, Default)]
/// struct MapStore {
///     entries: Mutex<BTreeMap<Key, Entry>>,
/// }
///
/// impl MapStore {
///     /// Does `work` with the map, in which nothing has expired. The lock makes compare and write one step.
///     fn with_entries<T>(&self, work: impl FnOnce(&mut BTreeMap<Key, Entry>) -> T) -> T {
///         let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
///         let now = SystemTime::now();
///         entries.retain(|_, entry| entry.keep_until.is_none_or(|time| time > now));
///         work(&mut entries)
///     }
/// }
///
/// #[async_trait]
/// impl TokenStore for MapStore {
///     async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
///         Ok(self.with_entries(|entries| entries.get(key).cloned()))
///     }
///
///     async fn put(&self, key: &Key, entry: &Entry, expected: Option<Version>) -> Result<Outcome, StoreError> {
///         Ok(self.with_entries(|entries| {
///             let there = entries.get(key);
///             if there.map(|there| there.version) != expected {
///                 return Outcome::Conflict(there.cloned());
///             }
///             entries.insert(key.clone(), entry.clone());
///             Outcome::Applied
///         }))
///     }
///
///     async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
///         Ok(self.with_entries(|entries| {
///             let there = entries.get(key);
///             if there.map(|there| there.version) != Some(expected) {
///                 return Outcome::Conflict(there.cloned());
///             }
///             entries.remove(key);
///             Outcome::Applied
///         }))
///     }
///
///     // `list` and `watch` may be left out: then nothing is listed, and waiters poll.
///     async fn list(&self, filter: Filter, cursor: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
///         // The cursor is the last key of the page before: keys that come and go in between shift nothing.
///         let from = match cursor {
///             None => Unbounded,
///             Some(last) => Excluded(Key::from_bytes(last.as_bytes()).map_err(StoreError::other)?),
///         };
///         let limit = limit.max(1);
///         Ok(self.with_entries(|entries| {
///             let accepted = entries.range((from, Unbounded)).filter(|(_, entry)| filter.accepts(entry));
///             let keys: Vec<Key> = accepted.map(|(key, _)| key.clone()).take(limit).collect();
///             let next = keys.get(limit - 1).map(|last| Cursor::new(last.to_bytes()));
///             Page { keys, next }
///         }))
///     }
/// }
///
/// // In its tests, with the feature `conformance`:
/// # #[cfg(feature = "conformance")]
/// mod map_store {
///     use tokenkeeper_store::conformance::Subject;
///
///     tokenkeeper_store::conformance!(|| async {
///         Subject::new(super::MapStore::default()).must_list().without_cutter()
///     });
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MapStore::default();
/// let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "user-42")?;
/// let (first, second) = (Entry::new(Version::random(), "1"), Entry::new(Version::random(), "2"));
/// assert_eq!(store.put(&key, &first, None).await?, Outcome::Applied);
/// assert_eq!(store.put(&key, &second, Some(first.version)).await?, Outcome::Applied);
/// assert_eq!(store.delete(&key, first.version).await?, Outcome::Conflict(Some(second)));
/// # #[cfg(feature = "conformance")]
/// # {
/// # use tokenkeeper_store::conformance as rules;
/// # rules::listing_sees_each_key_once_under_writes(MapStore::default().into()).await?;
/// # rules::metadata_comes_back(MapStore::default().into()).await?;
/// # }
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The entry under `key`, as of the last write that anybody was told of.
    ///
    /// It may be dropped at any time. See the [trait](TokenStore#what-a-store-promises) for what else holds.
    ///
    /// # Errors
    /// A backend that fails, and an entry that cannot be read.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// Writes `entry` if the entry under `key` is now at `expected` (`None`: there is none).
    ///
    /// On a conflict nothing is written, and what is there comes back; a put that is repeated after an ambiguous failure
    /// meets its own version there. A dropped call may have been made or may still be: it is as an
    /// [ambiguous](StoreError::Ambiguous) one.
    ///
    /// # Errors
    /// [`StoreError::Full`] for a new key at the store's bound; a backend that fails; on a conflict, an entry there that
    /// cannot be read.
    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError>;

    /// Removes the entry under `key` if it is now at `expected`.
    ///
    /// Conflicts and dropped calls are as with [`put`](Self::put).
    ///
    /// # Errors
    /// A backend that fails; on a conflict, an entry there that cannot be read.
    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError>;

    /// A page of at most `limit` keys (0 is taken as 1) of the entries that `filter` accepts: the first one, or the one
    /// that `cursor` points to.
    ///
    /// Over the pages of [`Filter::All`], each key that is there throughout comes once, whatever is written meanwhile. With
    /// the other filters, an entry that changes meanwhile may come again or not at all, and is met by the next listing.
    /// By default: [`StoreError::Unsupported`].
    ///
    /// # Errors
    /// A store that does not list, a backend that fails, and a cursor that is not of this listing.
    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let _ = (filter, cursor, limit);
        Err(StoreError::Unsupported("listing"))
    }

    /// The changes that are made, by whatever process. By default: none, and waiters poll.
    ///
    /// It is a hint that saves waiting: changes may come more than once, late, or not at all when the watcher is slow or the
    /// connection is lost, so whoever waits for a change polls as well. A stream that ends tells nothing more.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
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

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        (**self).watch()
    }
}
