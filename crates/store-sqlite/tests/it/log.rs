//! A reader that does not end makes the log grow.

use rusqlite::Connection;
use tokenkeeper_store::{Advice, Encrypted, TokenStore};
use tokenkeeper_store_sqlite::{SqliteError, SqliteOptions, SqliteStore};

use crate::support::{Directory, cause, entry, key, keyring};

const LIMIT: u64 = 50_000;

async fn open(directory: &Directory) -> Encrypted<SqliteStore> {
    let options = SqliteOptions::new(directory.database()).log_limit(LIMIT);
    options.open(keyring()).await.unwrap()
}

async fn write(store: &impl TokenStore, count: usize) {
    let key = key("busy");
    for _ in 0..count {
        let last = store.get(&key).await.unwrap().map(|entry| entry.version);
        let put = store.put(&key, &entry("value"), last).await.unwrap();
        assert!(put.is_applied());
    }
}

#[tokio::test]
async fn a_log_past_its_limit_fails_the_check_and_no_write() {
    let directory = Directory::new();
    let store = open(&directory).await;
    assert!(store.check_health().await.is_ok());
    let reader = Connection::open(directory.database()).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM entries")
        .unwrap();
    write(&store, 60).await;
    // A process that only looks sees it too.
    for store in [&store, &open(&directory).await] {
        let error = store.check_health().await.unwrap_err();
        assert_eq!(error.advice(), Advice::GiveUp);
        let cause = cause(&error, &directory.database());
        let SqliteError::LogHeld { bytes, .. } = cause else {
            panic!("{cause:?}");
        };
        assert!(*bytes >= LIMIT, "{bytes}");
    }
    write(&store, 1).await;

    reader.execute_batch("COMMIT").unwrap();
    assert!(store.check_health().await.is_ok());
}
