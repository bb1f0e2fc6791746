//! Another process holds the write lock, or moves the file away.

use std::fs;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tokenkeeper_store::{Advice, Filter, Outcome, StoreError, TokenStore};
use tokenkeeper_store_sqlite::{SqliteError, SqliteOptions, SqliteStore};

use crate::support::{Directory, cause, entry, key};

const HOUR: Duration = Duration::from_secs(3_600);

async fn impatient(directory: &Directory) -> SqliteStore {
    SqliteOptions::new(directory.database())
        .busy_timeout(Duration::from_millis(1))
        .open_plaintext()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_write_that_waits_too_long_is_unavailable_and_reads_go_on() {
    let directory = Directory::new();
    let store = impatient(&directory).await;
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    let other = Connection::open(directory.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let put = store
        .put(&key("a"), &entry("second"), Some(first.version))
        .await;
    let error = put.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let cause = cause(&error, &directory.database());
    assert!(matches!(cause, SqliteError::Busy { .. }), "{cause:?}");
    assert!(store.delete(&key("a"), first.version).await.is_err());
    let claim = store.claim(&[key("a")], SystemTime::now(), HOUR).await;
    assert!(
        matches!(claim, Err(StoreError::Unavailable { .. })),
        "{claim:?}"
    );
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first.clone()));
    let page = store.list(Filter::All, None, 10).await.unwrap();
    assert_eq!(page.keys, [key("a")]);

    other.execute_batch("ROLLBACK").unwrap();
    let put = store
        .put(&key("a"), &entry("second"), Some(first.version))
        .await;
    assert_eq!(put.unwrap(), Outcome::Applied);
}

#[tokio::test]
async fn a_file_that_stays_locked_is_not_opened() {
    let directory = Directory::new();
    drop(impatient(&directory).await);
    let other = Connection::open(directory.database()).unwrap();
    other
        .pragma_update(None, "locking_mode", "exclusive")
        .unwrap();
    other
        .busy_timeout(Duration::from_secs(60)) // until the threads of the store have ended
        .unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; COMMIT").unwrap();
    let error = SqliteOptions::new(directory.database())
        .busy_timeout(Duration::from_millis(1))
        .open_plaintext()
        .await
        .unwrap_err();
    let cause = cause(&error, &directory.database());
    assert!(matches!(cause, SqliteError::Busy { .. }), "{cause:?}");
}

// A write to a file without a name is lost when the last process closes the file.
#[tokio::test]
async fn nothing_is_written_to_a_file_that_was_moved_away() {
    let directory = Directory::new();
    let store = impatient(&directory).await;
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    let elsewhere = directory.path().join("elsewhere.db");
    fs::rename(directory.database(), &elsewhere).unwrap();

    let put = store
        .put(&key("a"), &entry("second"), Some(first.version))
        .await;
    let errors = [
        put.unwrap_err(),
        store.get(&key("a")).await.unwrap_err(),
        store.list(Filter::All, None, 10).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.advice(), Advice::Retry);
        let cause = cause(&error, &directory.database());
        assert!(matches!(cause, SqliteError::Moved { .. }), "{cause:?}");
    }

    fs::rename(&elsewhere, directory.database()).unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first.clone()));
    let put = store
        .put(&key("a"), &entry("second"), Some(first.version))
        .await;
    assert_eq!(put.unwrap(), Outcome::Applied);
}
