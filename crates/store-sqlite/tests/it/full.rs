//! Without room a new key is refused, and existing entries stay.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use tokenkeeper_store::conformance::ManualClock;
use tokenkeeper_store::{Advice, Entry, Key, Outcome, StoreError, TokenStore, Version};
use tokenkeeper_store_sqlite::{SqliteError, SqliteOptions, SqliteStore};

use crate::support::{Directory, cause, key};

const PAGES: u32 = 60;

#[tokio::test]
async fn a_new_key_is_refused_and_nothing_is_lost() {
    let directory = Directory::new();
    let store = bounded(&directory).await;
    let entries = fill(&store, None).await;
    assert!(entries.len() > 10);
    for (key, entry) in &entries {
        assert_eq!(store.get(key).await.unwrap().as_ref(), Some(entry));
    }
    assert!(matches!(
        store.put(&key("one more"), &of(3_000), None).await,
        Err(StoreError::Full)
    ));
    assert_eq!(store.get(&key("one more")).await.unwrap(), None);
}

#[tokio::test]
async fn an_update_without_room_keeps_the_old_entry() {
    let directory = Directory::new();
    let store = bounded(&directory).await;
    let (key, old) = fill(&store, None).await.swap_remove(0);
    let error = store
        .put(&key, &of(500_000), Some(old.version))
        .await
        .unwrap_err();
    // It succeeds as soon as there is room again.
    assert_eq!(error.advice(), Advice::Retry);
    assert!(
        matches!(
            cause(&error, &directory.database()),
            SqliteError::NoRoom { .. }
        ),
        "{error:?}"
    );
    assert_eq!(store.get(&key).await.unwrap().as_ref(), Some(&old));
    drop(store);

    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    assert_eq!(store.get(&key).await.unwrap().as_ref(), Some(&old));
    let outcome = store.put(&key, &of(500_000), Some(old.version)).await;
    assert_eq!(outcome.unwrap(), Outcome::Applied);
}

// More writes than changes are kept for watchers: these make room before an entry is refused.
#[tokio::test]
async fn an_existing_entry_can_be_written_at_the_limit() {
    let directory = Directory::new();
    let store = bounded(&directory).await;
    let entries = fill(&store, None).await;
    let (key, mut last) = entries[0].clone();
    for _ in 0..1_500 {
        let next = of(3_000);
        let outcome = store.put(&key, &next, Some(last.version)).await.unwrap();
        assert_eq!(outcome, Outcome::Applied);
        last = next;
    }
    for (key, entry) in &entries[1..] {
        assert_eq!(store.get(key).await.unwrap().as_ref(), Some(entry));
    }
}

#[tokio::test]
async fn one_write_without_room_does_not_fail_the_others() {
    let directory = Directory::new();
    let store = bounded(&directory).await;
    let entries = fill(&store, None).await;
    let news: Vec<Entry> = entries.iter().map(|_| of(3_000)).collect();
    let updates = entries
        .iter()
        .zip(&news)
        .map(|((key, old), new)| store.put(key, new, Some(old.version)));
    let (large, too_large) = (key("large"), of(500_000));
    let (refused, updated) = tokio::join!(store.put(&large, &too_large, None), join_all(updates));
    assert!(matches!(refused, Err(StoreError::Full)));
    for outcome in updated {
        assert_eq!(outcome.unwrap(), Outcome::Applied);
    }
}

#[tokio::test]
async fn entries_that_expired_two_days_ago_make_room() {
    let directory = Directory::new();
    let (clock, hour) = (ManualClock::new(), Duration::from_secs(3_600));
    let time = clock.clone();
    let store = SqliteOptions::new(directory.database())
        .max_pages(PAGES)
        .clock(move || time.now())
        .open_plaintext()
        .await
        .unwrap();
    fill(&store, Some(clock.now() + hour)).await;
    clock.advance(hour * 49);
    // It needs more room than the few entries that every write removes.
    let outcome = store.put(&key("large"), &of(100_000), None).await;
    assert_eq!(outcome.unwrap(), Outcome::Applied);
}

async fn bounded(directory: &Directory) -> SqliteStore {
    SqliteOptions::new(directory.database())
        .max_pages(PAGES)
        .open_plaintext()
        .await
        .unwrap()
}

/// Puts new keys until one is refused.
async fn fill(store: &SqliteStore, keep_until: Option<SystemTime>) -> Vec<(Key, Entry)> {
    let mut entries = Vec::new();
    loop {
        let key = key(&format!("user-{}", entries.len()));
        let entry = of(3_000).with_keep_until(keep_until);
        match store.put(&key, &entry, None).await {
            Ok(outcome) => assert!(outcome.is_applied()),
            Err(StoreError::Full) => return entries,
            Err(error) => panic!("{error:?}"),
        }
        entries.push((key, entry));
    }
}

fn of(bytes: usize) -> Entry {
    Entry::new(Version::random(), vec![b'v'; bytes])
}
