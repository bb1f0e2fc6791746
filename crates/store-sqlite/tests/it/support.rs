//! Helpers of the tests.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io, process};

use tokenkeeper_store::{Encrypted, Entry, Key, Keyring, StoreError, Version};
use tokenkeeper_store_sqlite::{SqliteError, SqliteStore};

/// A temporary directory, removed with its content when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("tokenkeeper-sqlite-{}-{number}", process::id()));
        create(&path).expect("a directory for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("accounts.db")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A test that failed may have left it in any state.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Creates a directory that others cannot write, whatever the umask is.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path)
}

pub(crate) fn key(subject: &str) -> Key {
    Key::new("brand", "https://provider.example", "client", subject).expect("a valid key")
}

pub(crate) fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}

pub(crate) fn keyring() -> Keyring {
    Keyring::new("test", [7; 32]).expect("a valid id")
}

/// A store that encrypts.
pub(crate) async fn sealed(path: &str) -> Encrypted<SqliteStore> {
    let store = SqliteStore::open(path, keyring()).await;
    store.expect("a store")
}

/// The source of an error, which must name the file.
pub(crate) fn cause<'e>(error: &'e StoreError, path: &Path) -> &'e SqliteError {
    let source = error.source().expect("a source");
    let cause: &SqliteError = source.downcast_ref().expect("a SqliteError");
    let text = cause.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    cause
}
