//! The options of a store.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Encrypted, Keys, StoreError};

use crate::settings::Settings;
use crate::sqlite::SqliteStore;
use crate::{connection, file, thread};

/// Options for opening a [`SqliteStore`].
///
/// Setters cannot fail; [`open`](Self::open) checks all options. The write-ahead log and
/// `synchronous=FULL` are not optional.
///
/// ```
/// use std::time::Duration;
/// use tokenkeeper_store::Keyring;
/// use tokenkeeper_store_sqlite::SqliteOptions;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = format!("tokenkeeper-options-{}", std::process::id());
/// # let directory = std::env::temp_dir().join(name);
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("accounts.db");
/// # let keyring = Keyring::new("2026-02", [7; 32])?;
/// let store = SqliteOptions::new(path)
///     .busy_timeout(Duration::from_secs(2))
///     .open(keyring)
///     .await?;
/// # std::fs::remove_dir_all(directory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until a store is opened with them"]
pub struct SqliteOptions {
    settings: Settings,
}

impl SqliteOptions {
    /// Options for the file at `path`.
    ///
    /// Its directory must exist; a missing file is created with the permissions 0600.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            settings: Settings::new(path),
        }
    }

    /// Sets how long a call waits for another writer before it fails as
    /// [`StoreError::Unavailable`]; 5 s by default.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.busy_timeout = timeout;
        self
    }

    /// Sets how often the file is checked for changes by other processes while there are
    /// [watchers](tokenkeeper_store::TokenStore::watch); 20 ms by default, at least 1 ms.
    ///
    /// This is the interval while the store is in use: a second after the last read or write of an
    /// entry it doubles with each check that finds nothing, up to a second.
    pub fn watch_interval(mut self, interval: Duration) -> Self {
        self.settings.watch_interval = interval;
        self
    }

    /// Limits the file to this number of pages of 4 KiB, even if it has pages of another size;
    /// by default only the disk limits it.
    ///
    /// At the limit a new key is refused with [`StoreError::Full`]. A put over an entry fails as
    /// [`StoreError::Unavailable`] if it needs another page, and the old entry stays. The `-wal`
    /// file is not counted. Each process has its own limit.
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.settings.max_pages = Some(pages);
        self
    }

    /// Sets the size of the `-wal` file, in bytes, from which on
    /// [`check_health`](tokenkeeper_store::TokenStore::check_health) fails; 1 GiB by default.
    ///
    /// The log grows without an end while a connection to the file does not end its read
    /// transaction. The process that writes warns once when the log has grown to a sixteenth of
    /// this size, and to 8 MiB. No write is refused because of it.
    pub fn log_limit(mut self, bytes: u64) -> Self {
        self.settings.log_limit = bytes;
        self
    }

    /// Sets whether the path may be a symbolic link; by default it is refused.
    ///
    /// The file that it leads to is checked then, and that file's directory. A user who can replace
    /// the link chooses the file. Links to directories are always followed.
    pub fn follow_symlinks(mut self, follow: bool) -> Self {
        self.settings.follow_symlinks = follow;
        self
    }

    /// Sets whether the owners and permissions of the file and its directory are left unchecked and
    /// as they are; by default they are [checked](crate#what-is-checked-when-a-file-is-opened).
    ///
    /// This is for file systems that keep no permissions, and for a directory that is shared on
    /// purpose, such as a volume with a group. Users who can write there can remove tokens and put
    /// old ones back; without encryption they can also read and replace them.
    pub fn trust_permissions(mut self, trust: bool) -> Self {
        self.settings.trust_permissions = trust;
        self
    }

    /// Sets the clock that `keep_until` is compared with, for tests; by default the system's.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Rewrites the file in pages of the size that new files have, and gives unused space back.
    ///
    /// Files that an earlier version created have pages of 4 KiB, each of which holds one record of
    /// more than 2 KB: they shrink by up to two fifths. Nothing needs this: any version reads and
    /// writes both. It is not done when a file is opened, as it takes the time of reading and
    /// writing the whole file twice, and free space of twice its size: in its directory, and in
    /// that of SQLite's temporary files (`SQLITE_TMPDIR`, else `/var/tmp` or `/tmp`), where the
    /// values are encrypted if they are in the file.
    ///
    /// The file must not be open, in this process or another. Others that open it meanwhile wait
    /// for their busy timeout. A process that is killed meanwhile leaves the old file or the new
    /// one, whole. A dropped call goes on to its end.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`], and none creates a missing file.
    /// [`Unavailable`](StoreError::Unavailable): a process has the file open, or there is no room.
    ///
    /// ```
    /// use tokenkeeper_store_sqlite::{SqliteOptions, SqliteStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = format!("tokenkeeper-compact-{}", std::process::id());
    /// # let directory = std::env::temp_dir().join(name);
    /// # std::fs::create_dir_all(&directory)?;
    /// # let path = directory.join("accounts.db");
    /// # drop(SqliteStore::open_plaintext(&path).await?);
    /// let sizes = SqliteOptions::new(path).compact().await?;
    /// println!("{} bytes, {} before", sizes.after, sizes.before);
    /// # std::fs::remove_dir_all(directory)?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn compact(mut self) -> Result<Compaction, StoreError> {
        self.settings.check()?;
        self.settings.path = file::absolute(&self.settings.path)?;
        thread::run("tokenkeeper-sqlite-compact", move || {
            connection::compact(&file::locate(&self.settings)?)
        })
        .await
    }

    /// Opens a store that encrypts with the current one of `keys`.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub async fn open(self, keys: impl Into<Keys>) -> Result<Encrypted<SqliteStore>, StoreError> {
        let keys = keys.into();
        Ok(Encrypted::new(self.open_plaintext().await?, keys))
    }

    /// Opens a store without encryption: anyone who can read the file or a backup has every token.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub async fn open_plaintext(self) -> Result<SqliteStore, StoreError> {
        SqliteStore::start(self.settings).await
    }
}

/// The sizes of a file that [`SqliteOptions::compact`] has rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// The size before, in bytes.
    pub before: u64,
    /// The size now, in bytes.
    pub after: u64,
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("path", &self.settings.path)
            .field("busy_timeout", &self.settings.busy_timeout)
            .field("watch_interval", &self.settings.watch_interval)
            .field("max_pages", &self.settings.max_pages)
            .field("log_limit", &self.settings.log_limit)
            .field("follow_symlinks", &self.settings.follow_symlinks)
            .field("trust_permissions", &self.settings.trust_permissions)
            .finish_non_exhaustive()
    }
}
