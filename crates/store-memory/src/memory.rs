//! The store.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use moka::sync::Cache;
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};
use tokio::sync::broadcast;
use tokio_stream::{StreamExt as _, wrappers::BroadcastStream};

use crate::index::Index;

/// How many changes a slow [watcher](TokenStore::watch) may be behind before it misses some.
const WATCH_BACKLOG: usize = 1024;

/// How many expired entries a write removes on its way; at least one, so that they never fill a bounded store.
const SWEPT_PER_WRITE: usize = 16;

/// A [`TokenStore`] in the memory of one process.
///
/// It never evicts: with a [bound](Self::bounded) it refuses a new key with [`StoreError::Full`], and an entry goes only
/// by a deletion or after its `keep_until`. A clone is another handle on the same entries. What is in it is gone when
/// the process ends.
///
/// No method waits for anything, so no call can be cancelled half-way.
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
    /// Read without a lock; written only by who holds the index.
    entries: Cache<Key, Entry>,
    shared: Arc<Shared>,
    bound: Option<usize>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

struct Shared {
    /// The lock of all writes: it makes compare and write one step, the bound exact, and the index true.
    index: Mutex<Index>,
    changes: broadcast::Sender<Change>,
}

impl MemoryStore {
    /// An empty store without a bound.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: Cache::builder().build(),
            shared: Arc::new(Shared {
                index: Mutex::default(),
                changes: broadcast::Sender::new(WATCH_BACKLOG),
            }),
            bound: None,
            clock: Arc::new(SystemTime::now),
        }
    }

    /// The store with room for `keys` keys: a further one is refused, while those that are there can still be written.
    ///
    /// The bound belongs to this handle and the clones made of it.
    #[must_use]
    pub fn bounded(mut self, keys: usize) -> Self {
        self.bound = Some(keys);
        self
    }

    /// The store with another clock to judge `keep_until` by, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Compares the version under `key` with `expected` and, where they agree, makes `new` the entry.
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
        if old.is_none() && self.bound.is_some_and(|bound| index.len() >= bound) {
            return Err(StoreError::Full);
        }
        self.write(&mut index, key, old.as_ref(), new);
        // Nobody need be listening.
        let change = Change::new(key.clone(), new.map(|entry| entry.version));
        let _ = self.shared.changes.send(change);
        Ok(Outcome::Applied)
    }

    /// Removes some of what may be forgotten, so that it takes no room for long and no write has to wait for much.
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
        // What may panic under the lock (the caller's clock) does so before anything is changed.
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
        // The fields are public: a time may have come in without having been rounded.
        let entry = entry
            .clone()
            .with_keep_until(entry.keep_until)
            .with_due(entry.due);
        self.swap(key, expected, Some(&entry))
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

    /// Every change made through this handle or a clone of it. A watcher that is more than 1,024 changes behind misses
    /// the oldest.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let changes = self.shared.changes.subscribe();
        // It is a hint: who waits for a change also polls, so whoever fell behind goes on with what is left.
        let changes = BroadcastStream::new(changes);
        Some(Box::pin(changes.filter_map(Result::ok)))
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
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

fn has_expired(entry: &Entry, now: SystemTime) -> bool {
    entry.keep_until.is_some_and(|time| time <= now)
}
