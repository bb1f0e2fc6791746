//! The file on the disk: its permissions and its content.

use std::fs;

use rusqlite::Connection;
use tokenkeeper_store::{StoreError, TokenStore};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::support::{Directory, entry, key, keyring};

const SECRET: &str = "a refresh token of a user";

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = Directory::new();
    let store = SqliteStore::open(directory.database(), keyring())
        .await
        .unwrap();
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        names.push(file.file_name().into_string().unwrap());
        assert_eq!(mode, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["accounts.db", "accounts.db-shm", "accounts.db-wal"]);
}

#[tokio::test]
async fn values_are_encrypted_unless_opened_as_plaintext() {
    let directory = Directory::new();
    let encrypted = SqliteStore::open(directory.database(), keyring())
        .await
        .unwrap();
    let first = entry(SECRET);
    let _ = encrypted.put(&key("a"), &first, None).await.unwrap();
    assert_eq!(encrypted.get(&key("a")).await.unwrap(), Some(first));
    assert!(!holds(&directory, SECRET));

    let plaintext = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let _ = plaintext
        .put(&key("b"), &entry(SECRET), None)
        .await
        .unwrap();
    assert!(holds(&directory, SECRET));
    // An encrypting store reads nothing else.
    let error = encrypted.get(&key("b")).await.unwrap_err();
    assert!(matches!(error, StoreError::NotEncrypted), "{error:?}");
}

#[tokio::test]
async fn deleted_and_replaced_values_are_overwritten() {
    let directory = Directory::new();
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let (a, b) = (entry(SECRET), entry(SECRET));
    let _ = store.put(&key("a"), &a, None).await.unwrap();
    let _ = store.put(&key("b"), &b, None).await.unwrap();
    assert!(holds(&directory, SECRET));
    let _ = store.delete(&key("a"), a.version).await.unwrap();
    let _ = store
        .put(&key("b"), &entry("other"), Some(b.version))
        .await
        .unwrap();
    checkpoint(&directory);
    assert!(!holds(&directory, SECRET));
}

#[tokio::test]
async fn a_special_name_of_sqlite_is_the_name_of_a_file() {
    let directory = Directory::new();
    for name in [":memory:", "file:x?mode=memory", "file:y", "a b%20c#d?e"] {
        let path = directory.path().join(name);
        let store = SqliteStore::open_plaintext(&path).await.unwrap();
        let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
        assert!(path.is_file(), "{name}");
    }
}

/// Writes the log into the file, and truncates the log.
pub(crate) fn checkpoint(directory: &Directory) {
    let connection = Connection::open(directory.database()).unwrap();
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))
        .unwrap();
    assert_eq!(busy, 0);
}

fn holds(directory: &Directory, text: &str) -> bool {
    fs::read_dir(directory.path()).unwrap().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}
