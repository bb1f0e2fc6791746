//! What may be forgotten is forgotten, by the store's own clock, and removed a few at a time.

use std::time::{Duration, UNIX_EPOCH};

use rusqlite::Connection;
use tokenkeeper_store::conformance::ManualClock;
use tokenkeeper_store::{Filter, Outcome, TokenStore};
use tokenkeeper_store_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Directory, entry, key};

const MINUTE: Duration = Duration::from_secs(60);

/// How long what has expired stays in the file.
const MARGIN: Duration = Duration::from_secs(2 * 24 * 60 * 60);

async fn store(directory: &Directory) -> (SqliteStore, ManualClock) {
    let clock = ManualClock::new();
    let time = clock.clone();
    let options = SqliteOptions::new(directory.database()).with_clock(move || time.now());
    (options.plaintext().await.unwrap(), clock)
}

#[tokio::test]
async fn an_entry_goes_at_its_time_and_not_before() {
    let directory = Directory::new();
    let (store, clock) = store(&directory).await;
    let kept = entry("kept")
        .with_keep_until(clock.now() + MINUTE)
        .with_due(clock.now())
        .with_attention(true);
    let _ = store.put(&key("a"), &kept, None).await.unwrap();
    let filters = [
        Filter::All,
        Filter::Attention,
        Filter::DueBefore(clock.now() + MINUTE),
    ];
    clock.advance(MINUTE - Duration::from_nanos(1));
    // The write in between removes what has expired, and only that.
    let _ = store.put(&key("b"), &entry("b"), None).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(kept.clone()));
    for filter in filters {
        let keys = store.list(filter, None, 1).await.unwrap().keys;
        assert_eq!(keys, [key("a")], "{filter:?}");
    }
    let conflict = store.put(&key("a"), &entry("next"), None).await.unwrap();
    assert_eq!(conflict, Outcome::Conflict(Some(kept.clone())));

    clock.advance(Duration::from_nanos(1));
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
    for filter in filters {
        let keys = store.list(filter, None, 10).await.unwrap().keys;
        assert!(!keys.contains(&key("a")), "{filter:?}");
    }
    let outcome = store.delete(&key("a"), kept.version).await.unwrap();
    assert_eq!(outcome, Outcome::Conflict(None));
    let outcome = store.put(&key("a"), &entry("next"), None).await.unwrap();
    assert_eq!(outcome, Outcome::Applied);
}

#[tokio::test]
async fn each_write_removes_a_few() {
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
async fn a_process_whose_clock_is_ahead_removes_nothing_that_others_keep() {
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

// The fields of an entry are public: a time may come in without having been rounded.
#[tokio::test]
async fn a_time_finer_than_a_millisecond_is_rounded_up() {
    let directory = Directory::new();
    let (store, clock) = store(&directory).await;
    let mut fine = entry("fine");
    fine.keep_until = Some(clock.now() + MINUTE + Duration::from_nanos(1));
    fine.due = fine.keep_until;
    let _ = store.put(&key("a"), &fine, None).await.unwrap();
    let found = store.get(&key("a")).await.unwrap().unwrap();
    let whole = clock.now() + MINUTE + Duration::from_millis(1);
    assert_eq!((found.keep_until, found.due), (Some(whole), Some(whole)));
    clock.advance(MINUTE + Duration::from_micros(999));
    let _ = store.put(&key("b"), &entry("b"), None).await.unwrap();
    assert!(store.get(&key("a")).await.unwrap().is_some());
    clock.advance(Duration::from_micros(1));
    assert!(store.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_time_at_the_ends_of_the_calendar_is_kept() {
    let directory = Directory::new();
    let (store, _) = store(&directory).await;
    let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
    let far = entry("far").with_keep_until(far).with_due(far);
    let _ = store.put(&key("far"), &far, None).await.unwrap();
    assert_eq!(store.get(&key("far")).await.unwrap(), Some(far));
    let past = entry("past").with_keep_until(UNIX_EPOCH - Duration::from_secs(1));
    let _ = store.put(&key("past"), &past, None).await.unwrap();
    assert!(store.get(&key("past")).await.unwrap().is_none());
}
