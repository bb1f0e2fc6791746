//! The space that a record takes, and files whose pages are larger.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tokenkeeper_store::{Entry, StoreError, TokenStore, Version};
use tokenkeeper_store_sqlite::{SqliteError, SqliteOptions, SqliteStore};

use crate::support::{Directory, cause, entry, key};

const RECORDS: u64 = 300;

/// A value of the size that most records have.
const BYTES: u64 = 2_200;

/// Time for the threads of a dropped store to close the file.
const LONG: Duration = Duration::from_secs(60);

/// Puts the records, closes the store, and returns them.
async fn fill(directory: &Directory) -> Vec<Entry> {
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let entries: Vec<Entry> = (0..RECORDS)
        .map(|_| Entry::new(Version::random(), vec![b'v'; BYTES as usize]))
        .collect();
    for (number, entry) in entries.iter().enumerate() {
        let key = key(&format!("user-{number}"));
        let _ = store.put(&key, entry, None).await.unwrap();
    }
    entries
}

/// A connection of this test alone, once the threads of all stores have closed the file.
fn alone(directory: &Directory) -> Connection {
    let file = Connection::open(directory.database()).unwrap();
    file.busy_timeout(LONG).unwrap();
    file.pragma_update(None, "locking_mode", "exclusive")
        .unwrap();
    file.pragma_update(None, "journal_mode", "delete").unwrap();
    file
}

/// Gives the file the pages that earlier versions gave it.
fn enlarge_pages(directory: &Directory) {
    let file = alone(directory);
    file.execute_batch("PRAGMA page_size = 4096; VACUUM; PRAGMA journal_mode = wal")
        .unwrap();
}

fn bytes_per_record(directory: &Directory) -> u64 {
    fs::metadata(directory.database()).unwrap().len() / RECORDS
}

async fn expect_entries(directory: &Directory, entries: &[Entry]) {
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    for (number, entry) in entries.iter().enumerate() {
        let found = store.get(&key(&format!("user-{number}"))).await.unwrap();
        assert_eq!(found.as_ref(), Some(entry));
    }
}

// The changes for watchers are a tenth of it, in a file of so few records.
#[tokio::test]
async fn a_new_file_wastes_little() {
    let directory = Directory::new();
    fill(&directory).await;
    drop(alone(&directory));
    let bytes = bytes_per_record(&directory);
    assert!(bytes < BYTES * 5 / 4, "{bytes}");
}

#[tokio::test]
async fn an_older_file_keeps_its_pages_until_it_is_compacted() {
    let directory = Directory::new();
    let mut entries = fill(&directory).await;
    enlarge_pages(&directory);
    let large = bytes_per_record(&directory);
    assert!(large > BYTES * 9 / 5, "{large}");

    // It is read and written as it is.
    expect_entries(&directory, &entries).await;
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let next = entry("next").with_attention(true);
    let first = key("user-0");
    let put = store.put(&first, &next, Some(entries[0].version));
    assert!(put.await.unwrap().is_applied());
    entries[0] = next;
    drop(store);

    let options = SqliteOptions::new(directory.database()).busy_timeout(LONG);
    let sizes = options.compact().await.unwrap();
    assert!(sizes.before >= large * RECORDS, "{sizes:?}");
    assert!(sizes.after < BYTES * RECORDS * 5 / 4, "{sizes:?}");
    let length = fs::metadata(directory.database()).unwrap().len();
    assert_eq!(sizes.after, length);
    expect_entries(&directory, &entries).await;
}

#[tokio::test]
async fn a_file_in_use_is_not_compacted() {
    let directory = Directory::new();
    let entries = fill(&directory).await;
    enlarge_pages(&directory);
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let options = SqliteOptions::new(directory.database()).busy_timeout(Duration::from_millis(1));
    let error = options.compact().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let cause = cause(&error, &directory.database());
    assert!(matches!(cause, SqliteError::Busy { .. }), "{cause:?}");
    let next = entry("next");
    let first = key("user-0");
    let put = store.put(&first, &next, Some(entries[0].version));
    assert!(put.await.unwrap().is_applied());
}

#[tokio::test]
async fn only_our_files_are_compacted() {
    let directory = Directory::new();
    let compact = async |path: &Path| SqliteOptions::new(path).compact().await.unwrap_err();
    let error = compact(&directory.database()).await;
    let missing = cause(&error, &directory.database());
    assert!(
        matches!(missing, SqliteError::CannotOpen { .. }),
        "{missing:?}"
    );
    assert!(!directory.database().exists());

    let other = Connection::open(directory.database()).unwrap();
    other
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .unwrap();
    drop(other);
    let before = fs::read(directory.database()).unwrap();
    let error = compact(&directory.database()).await;
    let other = cause(&error, &directory.database());
    assert!(
        matches!(other, SqliteError::OtherProgram { .. }),
        "{other:?}"
    );
    assert_eq!(fs::read(directory.database()).unwrap(), before);
}
