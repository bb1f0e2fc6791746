//! The store in a file.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Encrypted, Entry, Filter, Key, Keys, Outcome, Page, StoreError,
    TokenStore, Version,
};
use tokio::sync::broadcast;
use tokio::sync::oneshot;
use tokio_stream::{StreamExt as _, wrappers::BroadcastStream};

use crate::error::SqliteError;
use crate::file::{self, OpenedFile};
use crate::listing::Listing;
use crate::log::{self, LogWatch};
use crate::reader::{Read, Reader};
use crate::settings::Settings;
use crate::writer::{Claim, Job, Write, Writer};
use crate::{connection, thread};

/// How many changes a slow [watcher](TokenStore::watch) may lag behind before its stream ends.
const WATCH_BACKLOG: usize = 1024;

/// A [`TokenStore`] in a SQLite file, for any number of processes on one machine.
///
/// A write is on the disk when the call returns. [`open`](Self::open) returns a store that
/// encrypts, [`open_plaintext`](Self::open_plaintext) one that does not. A clone is another handle
/// on the same connections.
///
/// SQLite blocks, so two threads do its work. One writes, and makes all waiting writes in one
/// transaction; one reads, and never waits for a write. They end when the last handle is dropped.
/// Any async runtime will do.
///
/// A dropped call has made its whole write, or makes it later.
///
/// ```
/// use tokenkeeper_store::{Entry, Key, Keyring, Outcome, TokenStore, Version};
/// use tokenkeeper_store_sqlite::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = format!("tokenkeeper-store-{}", std::process::id());
/// # let directory = std::env::temp_dir().join(name);
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("accounts.db");
/// # let keyring = Keyring::new("2026-02", [7; 32])?;
/// let store = SqliteStore::open(path, keyring).await?;
/// let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", "user-42")?;
///
/// let first = Entry::new(Version::random(), "opaque");
/// assert_eq!(store.put(&key, &first, None).await?, Outcome::Applied);
///
/// let late = Entry::new(Version::random(), "too late");
/// assert_eq!(store.put(&key, &late, None).await?, Outcome::Conflict(Some(first)));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    file: Arc<OpenedFile>,
    jobs: mpsc::Sender<Job>,
    reads: mpsc::Sender<Read>,
    /// Whether the thread that reads has slowed down its checks.
    is_resting: Arc<AtomicBool>,
    /// Only the threads can send, so the streams of watchers end with them.
    changes: broadcast::WeakSender<Option<Change>>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    log_limit: u64,
}

impl SqliteStore {
    /// Opens the file at `path`, and encrypts with the current one of `keys`.
    ///
    /// A missing file is created with the permissions 0600; its directory must exist. A file with
    /// an older schema is migrated. The call may be cancelled at any time.
    ///
    /// # Errors
    /// The source of each is a [`SqliteError`] that names the file.
    /// - [`ReadOnly`](StoreError::ReadOnly): the file or its directory cannot be written.
    /// - [`Corrupt`](StoreError::Corrupt): it is damaged, not a database, another program's, or has
    ///   tables, indexes, views or triggers that are not of this crate.
    /// - [`NewerFormat`](StoreError::NewerFormat): its schema is newer; nothing was changed.
    /// - [`Unavailable`](StoreError::Unavailable): another process held the write lock for longer
    ///   than the busy timeout, or there is no room.
    /// - [`Other`](StoreError::Other): its directory does not exist, the path is not the path of a
    ///   file, it cannot be opened, another user can read, write or replace it
    ///   ([`SqliteError::Exposed`]), or an option cannot be used.
    pub async fn open(
        path: impl AsRef<Path>,
        keys: impl Into<Keys>,
    ) -> Result<Encrypted<Self>, StoreError> {
        let keys = keys.into();
        Ok(Encrypted::new(Self::open_plaintext(path).await?, keys))
    }

    /// Opens the file without encryption: anyone who can read it or a backup has every token.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_plaintext(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::start(Settings::new(path)).await
    }

    /// Opens the file with these settings, without encryption.
    pub(crate) async fn start(mut settings: Settings) -> Result<Self, StoreError> {
        settings.check()?;
        settings.path = file::absolute(&settings.path)?;
        let changes = broadcast::Sender::new(WATCH_BACKLOG);
        let weak = changes.downgrade();
        let (clock, log_limit) = (settings.clock.clone(), settings.log_limit);
        let (writer, reader) = thread::run("tokenkeeper-sqlite-open", move || {
            connect(&settings, changes)
        })
        .await?;
        let file = writer.file.clone();
        let is_resting = reader.is_resting.clone();
        let (jobs, incoming) = mpsc::channel();
        thread::serve("tokenkeeper-sqlite-write", move || writer.serve(&incoming))?;
        let (reads, incoming) = mpsc::channel();
        thread::serve("tokenkeeper-sqlite-read", move || reader.serve(&incoming))?;
        Ok(Self {
            file,
            jobs,
            reads,
            is_resting,
            changes: weak,
            clock,
            log_limit,
        })
    }

    async fn write(
        &self,
        key: &Key,
        expected: Option<Version>,
        new: Option<Entry>,
    ) -> Result<Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        let write = Write {
            key: key.clone(),
            expected,
            new,
            now: (self.clock)(),
            reply,
            outcome: None,
        };
        self.jobs
            .send(Job::Write(write))
            .map_err(|_| SqliteError::Stopped)?;
        if self.is_resting.swap(false, Ordering::AcqRel) {
            // A writer often waits for another process next. Without the thread it fails itself.
            let _ = self.reads.send(Read::Watch);
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::ambiguous(SqliteError::Stopped)))
    }

    async fn read<T>(
        &self,
        read: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Read,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.reads
            .send(read(reply))
            .map_err(|_| SqliteError::Stopped)?;
        answer
            .await
            .unwrap_or_else(|_| Err(SqliteError::Stopped.into()))
    }
}

/// Opens both connections. It blocks.
fn connect(
    settings: &Settings,
    changes: broadcast::Sender<Option<Change>>,
) -> Result<(Writer, Reader), StoreError> {
    let id = getrandom::u64().map_err(StoreError::other)?.cast_signed();
    let given = &settings.path;
    let settings = &file::locate(settings)?;
    let connection = connection::open(settings)?;
    let file = Arc::new(OpenedFile::new(given, &settings.path)?);
    let writer = Writer {
        connection,
        file: file.clone(),
        id,
        changes: changes.clone(),
        log: LogWatch::new(&settings.path, settings.log_limit),
    };
    let reader = Reader {
        connection: connection::open(settings)?,
        file,
        id,
        changes,
        watch_interval: settings.watch_interval,
        is_resting: Arc::default(),
    };
    Ok((writer, reader))
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let (key, now) = (key.clone(), (self.clock)());
        self.read(|reply| Read::Entry { key, now, reply }).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.write(key, expected, Some(entry.clone())).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.write(key, Some(expected), None).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let listing = Listing::new(filter, cursor.as_ref())?;
        let (now, limit) = ((self.clock)(), limit.max(1));
        self.read(|reply| Read::Page {
            listing,
            now,
            limit,
            reply,
        })
        .await
    }

    /// Claims in one short transaction, which blocks no read and shares its `fsync` with waiting
    /// writes.
    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let claim = Claim {
            keys: keys.to_vec(),
            now,
            lasting,
            clock: (self.clock)(),
            reply,
            claimed: Vec::new(),
        };
        self.jobs
            .send(Job::Claim(claim))
            .map_err(|_| SqliteError::Stopped)?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::ambiguous(SqliteError::Stopped)))
    }

    /// Fails if the write-ahead log has grown past its
    /// [limit](crate::SqliteOptions::log_limit) because a reader does not end.
    ///
    /// The source of the error is [`SqliteError::LogHeld`].
    async fn check_health(&self) -> Result<(), StoreError> {
        let (file, limit) = (self.file.clone(), self.log_limit);
        thread::run("tokenkeeper-sqlite-check", move || {
            Ok(log::check(file.path(), limit)?)
        })
        .await
    }

    /// Returns changes made through this handle or a clone of it at once. Those of other processes
    /// come within the [interval](crate::SqliteOptions::watch_interval) at which the file is
    /// checked, or within a second if this process has not used the store for a second.
    ///
    /// The stream of a watcher that lags behind by more than 1,024 changes ends, and so do all
    /// streams if other processes make more of them between two looks at the file.
    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let changes = self.changes.upgrade()?.subscribe();
        // Reads are done in order, so a `get` after this call shows all changes before watching
        // began.
        self.reads.send(Read::Watch).ok()?;
        let changes = BroadcastStream::new(changes);
        Some(Box::pin(changes.map_while(|change| change.ok().flatten())))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.file.path())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
