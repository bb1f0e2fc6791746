//! The trait that every store implements.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::{BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, Version};

/// Keeps [entries](Entry) under [keys](Key), and changes them only by compare-and-swap.
///
/// There is no unconditional write, so none can happen by accident. The caller makes the
/// [`Version`] of each write, and a store keeps and compares it. A caller that does not learn the
/// outcome of a write reads back: its own version proves that the write landed.
///
/// # What a store promises
/// - **[`get`](Self::get) is linearizable**: it shows the last acknowledged write, never a
///   replica's older state.
/// - **Compare and write are one step.** Reading first and then writing loses one of two racing
///   writes.
/// - **An entry is never lost before its [`keep_until`](Entry::keep_until)**, by the store's own
///   clock, and may be forgotten after it. A store never evicts: evicting a refresh token logs a
///   person out. At its limit it refuses a new key with [`StoreError::Full`], and existing keys can
///   still be written.
/// - **An entry is whole**: a read returns all of what one `put` wrote, times to the
///   [millisecond](crate::unix_millis).
/// - **A dropped future has made its write or not**, or makes it later: the caller treats it like
///   [`StoreError::Ambiguous`].
/// - **Errors are honest**: [`StoreError::Unavailable`] only if nothing was written,
///   [`StoreError::Ambiguous`] if something may have been.
///
/// The [conformance suite](crate#conformance) tests all of this that can be seen from outside.
///
/// # Custom stores
/// A complete store, which keeps its entries in a map and lists them in the order of the keys:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::ops::Bound::{Excluded, Unbounded};
/// use std::sync::{Mutex, PoisonError};
/// use std::time::SystemTime;
///
/// use async_trait::async_trait;
/// use tokenkeeper_store::{
///     Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
/// };
///
/// #[derive(Debug, Default)]
/// struct MapStore {
///     entries: Mutex<BTreeMap<Key, Entry>>,
/// }
///
/// impl MapStore {
///     /// Runs `work` on the map of kept entries; the lock makes compare and write one step.
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
///     async fn put(
///         &self,
///         key: &Key,
///         entry: &Entry,
///         expected: Option<Version>,
///     ) -> Result<Outcome, StoreError> {
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
///     // `list`, `claim`, `check_health` and `watch` are optional: without them nothing is listed,
///     // refreshers read what others have refreshed, no danger is reported, and waiters poll.
///     async fn list(
///         &self,
///         filter: Filter,
///         cursor: Option<Cursor>,
///         limit: usize,
///     ) -> Result<Page, StoreError> {
///         // The cursor is the last key of the previous page, so that added and removed keys shift
///         // nothing.
///         let from = match cursor {
///             None => Unbounded,
///             Some(last) => {
///                 Excluded(Key::from_bytes(last.as_bytes()).map_err(StoreError::other)?)
///             }
///         };
///         let limit = limit.max(1);
///         Ok(self.with_entries(|entries| {
///             let rest = entries.range((from, Unbounded));
///             let accepted = rest.filter(|(_, entry)| filter.accepts(entry));
///             let keys: Vec<Key> = accepted.map(|(key, _)| key.clone()).take(limit).collect();
///             let next = keys.get(limit - 1).map(|last| Cursor::new(last.to_bytes()));
///             Page::new(keys, next)
///         }))
///     }
/// }
///
/// // In its tests, with the feature `conformance`:
/// # #[cfg(feature = "conformance")]
/// tokenkeeper_store::conformance!(mod map_store);
///
/// # #[cfg(feature = "conformance")]
/// async fn map_store() -> tokenkeeper_store::conformance::Subject {
///     let store = MapStore::default();
///     tokenkeeper_store::conformance::Subject::new(store).must_list().without_cutter()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MapStore::default();
/// let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "user-42")?;
/// let first = Entry::new(Version::random(), "1");
/// let second = Entry::new(Version::random(), "2");
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
    /// Returns the entry under `key`, as of the last acknowledged write.
    ///
    /// The future may be dropped at any time. See [what a store
    /// promises](TokenStore#what-a-store-promises).
    ///
    /// # Errors
    /// A failing backend, or an entry that cannot be read.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// Returns the version of the entry under `key`, also if its value cannot be read: with it,
    /// such an entry can be [deleted](Self::delete).
    ///
    /// The default gets the entry. A store whose [`get`](Self::get) reads the value, as a decorator
    /// that decrypts it, must not.
    ///
    /// # Errors
    /// A failing backend.
    async fn version(&self, key: &Key) -> Result<Option<Version>, StoreError> {
        Ok(self.get(key).await?.map(|entry| entry.version))
    }

    /// Writes `entry` if the entry under `key` is at the version `expected` (`None`: there is
    /// none).
    ///
    /// On a conflict nothing is written, and the current entry is returned; a put that is repeated
    /// after an ambiguous failure finds its own version there. A dropped call may have been
    /// made, or may still be made, like an [ambiguous](StoreError::Ambiguous) one.
    ///
    /// # Errors
    /// [`StoreError::Full`] for a new key at the store's limit; a failing backend; on a conflict, a
    /// current entry that cannot be read.
    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError>;

    /// Removes the entry under `key` if it is at the version `expected`.
    ///
    /// Conflicts and dropped calls are as for [`put`](Self::put).
    ///
    /// # Errors
    /// A failing backend; on a conflict, a current entry that cannot be read.
    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError>;

    /// Returns a page of at most `limit` keys (at least 1) of the entries that `filter` accepts:
    /// the first page, or the one at `cursor`.
    ///
    /// The pages of [`Filter::All`] have each key that stays throughout exactly once, whatever is
    /// written meanwhile. With other filters, an entry that changes meanwhile may be listed again
    /// or not at all, until the next listing. [`Filter::DueBefore`] lists by due time, the earliest
    /// first, and leaves out entries whose [claim](Self::claim) ends after its time. Its cursor is
    /// a position among the due times: a caller may continue there with a later time, to see what
    /// became due since. A store that cannot sort lists in another order, and what is late may then
    /// wait for what is not. The default returns [`StoreError::Unsupported`].
    ///
    /// # Errors
    /// A store that does not list, a failing backend, or a cursor of another listing. A backend
    /// that fails in part is no error: the page names it in [`unread`](Page::unread).
    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let _ = (filter, cursor, limit);
        Err(StoreError::Unsupported("listing"))
    }

    /// Claims due entries for one worker: hides them from listings of due entries until `now` +
    /// `lasting`, or until the next write of the entry, and returns the keys that it has hidden.
    ///
    /// Left out are keys of missing and expired entries, and those that are not due before `now`,
    /// that are claimed already, or whose part of the store fails. A claim shares out work, and
    /// protects nothing: it changes no entry and no version, tells no watcher, and may be lost. A
    /// dropped call may have claimed keys that then stay hidden for their time. The default returns
    /// all keys, for a store without claims; workers then read entries that others have refreshed.
    ///
    /// # Errors
    /// A backend of which no part can be reached.
    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        let _ = (now, lasting);
        Ok(keys.to_vec())
    }

    /// Fails if something endangers the store although calls on it succeed, such as a disk that
    /// fills up. The default never fails.
    ///
    /// For people and monitors, not before each call: it may take as long as a read.
    ///
    /// # Errors
    /// What is wrong and who can mend it, as the source; or a backend that cannot be reached.
    async fn check_health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Returns a stream of the changes by all processes. The default returns `None`, and waiters
    /// poll.
    ///
    /// Changes are hints that save reads: they may come late and more than once, so waiters also
    /// poll. A stream that may have missed a change ends: the watcher was too slow, or a connection
    /// was lost or could not be made. A store must notice within ten seconds that a connection
    /// cannot be made, and in less than a minute that one was lost, by pings for example; otherwise
    /// it must not offer a watch. To go on, watch again after a pause, and read what may have
    /// changed. All streams end with the last handle on the store.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        None
    }
}

#[async_trait]
impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        (**self).get(key).await
    }

    async fn version(&self, key: &Key) -> Result<Option<Version>, StoreError> {
        (**self).version(key).await
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

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        (**self).claim(keys, now, lasting).await
    }

    async fn check_health(&self) -> Result<(), StoreError> {
        (**self).check_health().await
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        (**self).watch()
    }
}
