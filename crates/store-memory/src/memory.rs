//! The store in memory.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use moka::sync::Cache;
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
    unix_millis,
};
use tokio::sync::broadcast;
use tokio_stream::{StreamExt as _, wrappers::BroadcastStream};

use crate::index::Index;

/// How many changes a slow [watcher](TokenStore::watch) may lag behind before its stream ends.
const WATCH_BACKLOG: usize = 1024;

/// How many expired entries a write removes: at least one, so that they never fill a bounded store.
const SWEPT_PER_WRITE: usize = 16;

/// A [`TokenStore`] in the memory of one process.
///
/// It never evicts: at its [limit](Self::max_keys) it refuses a new key with [`StoreError::Full`],
/// and an entry goes only when it is deleted or after its `keep_until`. A clone is another handle
/// on the same entries. They are lost when the process ends.
///
/// No method waits, so no call can be cancelled half-way.
///
/// ```
/// use tokenkeeper_store::{Entry, Key, Outcome, TokenStore, Version};
/// use tokenkeeper_store_memory::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "user-42")?;
///
/// let first = Entry::new(Version::random(), "opaque");
/// assert_eq!(store.put(&key, &first, None).await?, Outcome::Applied);
///
/// let late = Entry::new(Version::random(), "too late");
/// assert_eq!(store.put(&key, &late, None).await?, Outcome::Conflict(Some(first)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    /// Read without a lock; written only under the lock of the index.
    entries: Cache<Key, Entry>,
    shared: Arc<Shared>,
    max_keys: Option<usize>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

/// The state that all handles on the same entries share.
struct Shared {
    /// The lock of all writes: it makes compare and write one step, and keeps limit and index
    /// exact.
    index: Mutex<Index>,
    changes: broadcast::Sender<Change>,
}

impl MemoryStore {
    /// An empty store without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: Cache::builder().build(),
            shared: Arc::new(Shared {
                index: Mutex::default(),
                changes: broadcast::Sender::new(WATCH_BACKLOG),
            }),
            max_keys: None,
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Sets how many keys the store takes: a further key is refused, and existing ones can still be
    /// written. By default there is no limit.
    ///
    /// The limit belongs to this handle and later clones of it.
    #[must_use]
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = Some(keys);
        self
    }

    /// Sets the clock that `keep_until` is compared with, for tests; by default the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the entry by `new` if its version is `expected`.
    fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        new: Option<&Entry>,
    ) -> Result<Outcome, StoreError> {
        let mut index = self.index();
        let now = (self.clock)();
        self.sweep(&mut index, now);
        let old = match self.entries.get(key) {
            Some(old) if has_expired(&old, now) => {
                self.write(&mut index, key, Some(&old), None);
                None
            }
            old => old,
        };
        if old.as_ref().map(|entry| entry.version) != expected {
            return Ok(Outcome::Conflict(old));
        }
        if old.is_none() && self.max_keys.is_some_and(|limit| index.len() >= limit) {
            return Err(StoreError::Full);
        }
        self.write(&mut index, key, old.as_ref(), new);
        // Without watchers this fails.
        let change = Change::new(key.clone(), new.map(|entry| entry.version));
        let _ = self.shared.changes.send(change);
        Ok(Outcome::Applied)
    }

    /// Removes some expired entries: few enough that no write takes long, yet more than it adds.
    fn sweep(&self, index: &mut Index, now: SystemTime) {
        for _ in 0..SWEPT_PER_WRITE {
            let Some(key) = index.expired(now) else {
                return;
            };
            let old = self.entries.get(&key);
            self.write(index, &key, old.as_ref(), None);
        }
    }

    fn write(&self, index: &mut Index, key: &Key, old: Option<&Entry>, new: Option<&Entry>) {
        match new {
            Some(new) => self.entries.insert(key.clone(), new.clone()),
            None => self.entries.invalidate(key),
        }
        index.change(key, old, new);
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // The caller's clock may panic under the lock, but only before anything is changed.
        self.shared
            .index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let now = (self.clock)();
        Ok(self
            .entries
            .get(key)
            .filter(|entry| !has_expired(entry, now)))
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.swap(key, expected, Some(&entry.rounded()))
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.swap(key, Some(expected), None)
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let mut page = self.index().page(filter, cursor.as_ref(), limit.max(1))?;
        let now = (self.clock)();
        page.keys.retain(|key| {
            self.entries
                .get(key)
                .is_some_and(|entry| !has_expired(&entry, now))
        });
        Ok(page)
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        let end = now.checked_add(lasting).map_or(u64::MAX, unix_millis);
        let mut index = self.index();
        let clock = (self.clock)();
        let is_due =
            |entry: Entry| entry.due.is_some_and(|due| due < now) && !has_expired(&entry, clock);
        let mut claimed = Vec::new();
        for key in keys {
            if self.entries.get(key).is_some_and(is_due) && index.claim(key, now, end) {
                claimed.push(key.clone());
            }
        }
        Ok(claimed)
    }

    /// Returns every change made through this handle or a clone of it.
    ///
    /// The stream of a watcher that lags behind by more than 1,024 changes ends.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let changes = self.shared.changes.subscribe();
        let changes = BroadcastStream::new(changes);
        Some(Box::pin(changes.map_while(Result::ok)))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("keys", &self.index().len())
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}

fn has_expired(entry: &Entry, now: SystemTime) -> bool {
    entry.keep_until.is_some_and(|time| time <= now)
}
