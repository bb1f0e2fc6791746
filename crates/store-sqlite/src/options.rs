//! How a store is opened.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Encrypted, Keyring, StoreError};

use crate::settings::Settings;
use crate::sqlite::SqliteStore;

/// How a [`SqliteStore`] is opened, where [`SqliteStore::open`] does not say enough.
///
/// Two things are no options: the write-ahead log, and `synchronous=FULL`.
///
/// ```
/// use std::time::Duration;
/// use tokenkeeper_store::Keyring;
/// use tokenkeeper_store_sqlite::SqliteOptions;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = std::env::temp_dir().join(format!("tokenkeeper-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("accounts.db");
/// # let keyring = Keyring::new("2026-02", [7; 32])?;
/// let store = SqliteOptions::new(path).busy_timeout(Duration::from_secs(2)).open(keyring).await?;
/// # std::fs::remove_dir_all(directory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it opens nothing yet"]
pub struct SqliteOptions {
    settings: Settings,
}

impl SqliteOptions {
    /// For the file at `path`. Its directory must exist; the file is created if need be, for its owner alone (0600).
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            settings: Settings::new(path),
        }
    }

    /// How long a call waits for others who are writing before it fails as [`StoreError::Unavailable`]; 5 s by default.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.busy_timeout = timeout;
        self
    }

    /// How often the file is looked at for changes of other processes while somebody
    /// [watches](tokenkeeper_store::TokenStore::watch); 20 ms by default, at least 1 ms.
    pub fn watch_interval(mut self, interval: Duration) -> Self {
        self.settings.watch_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// The most pages of 4 KiB that the file may have; without it, what the disk has room for.
    ///
    /// At the bound a new key is refused with [`StoreError::Full`]. A put over an entry fails as
    /// [`StoreError::Unavailable`] if it needs a further page, and the old entry stays. The log beside the file is not
    /// counted. Each process has its own bound.
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.settings.max_pages = Some(pages);
        self
    }

    /// Another clock to judge `keep_until` by, for tests.
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Opens the store, which encrypts with the current key of `keyring`.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub async fn open(self, keyring: Keyring) -> Result<Encrypted<SqliteStore>, StoreError> {
        Ok(Encrypted::new(self.plaintext().await?, keyring))
    }

    /// Opens the store without encryption: whoever can read the file, or a backup of it, has every token in it.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub async fn plaintext(self) -> Result<SqliteStore, StoreError> {
        SqliteStore::start(self.settings).await
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("path", &self.settings.path)
            .field("busy_timeout", &self.settings.busy_timeout)
            .field("watch_interval", &self.settings.watch_interval)
            .field("max_pages", &self.settings.max_pages)
            .finish_non_exhaustive()
    }
}
