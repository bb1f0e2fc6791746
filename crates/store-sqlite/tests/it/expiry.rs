//! Expired entries are removed from the file later, and a few at a time.

use std::time::Duration;

use rusqlite::Connection;
use tokenkeeper_store::TokenStore;
use tokenkeeper_store::conformance::ManualClock;
use tokenkeeper_store_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Directory, entry, key};

const MINUTE: Duration = Duration::from_secs(60);

/// How long an expired entry stays in the file.
const MARGIN: Duration = Duration::from_secs(2 * 24 * 60 * 60);

async fn store(directory: &Directory) -> (SqliteStore, ManualClock) {
    let clock = ManualClock::new();
    let time = clock.clone();
    let options = SqliteOptions::new(directory.database()).clock(move || time.now());
    (options.open_plaintext().await.unwrap(), clock)
}

#[tokio::test]
async fn each_write_removes_a_few_expired_entries() {
    let directory = Directory::new();
    let (store, clock) = store(&directory).await;
    for number in 0..40 {
        let short = entry("short").with_keep_until(clock.now() + MINUTE);
        let key = key(&format!("short-{number}"));
        let _ = store.put(&key, &short, None).await.unwrap();
    }
    clock.advance(MINUTE + MARGIN);
    let file = Connection::open(directory.database()).unwrap();
    let mut rows: Vec<u32> = Vec::new();
    for number in 0..4 {
        let key = key(&format!("next-{number}"));
        let _ = store.put(&key, &entry("next"), None).await.unwrap();
        let count = file.query_row("SELECT count(*) FROM entries", (), |row| row.get(0));
        rows.push(count.unwrap());
    }
    assert_eq!(rows, [40 - 16 + 1, 40 - 32 + 2, 3, 4]);
}

#[tokio::test]
async fn a_process_with_a_fast_clock_removes_no_kept_entry() {
    let directory = Directory::new();
    let (store, clock) = store(&directory).await;
    let kept = entry("kept").with_keep_until(clock.now() + MINUTE);
    let _ = store.put(&key("a"), &kept, None).await.unwrap();
    let (ahead, its_clock) = self::store(&directory).await;
    its_clock.advance(MARGIN + MINUTE - Duration::from_millis(1));
    let _ = ahead.put(&key("b"), &entry("b"), None).await.unwrap();
    assert_eq!(ahead.get(&key("a")).await.unwrap(), None);
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(kept));
}
