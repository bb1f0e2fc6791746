//! At the limit a new key is refused, and nothing is evicted.

use std::sync::Arc;
use std::time::Duration;

use tokenkeeper_store::conformance::ManualClock;
use tokenkeeper_store::{Cursor, Filter, Outcome, StoreError, TokenStore};
use tokenkeeper_store_memory::MemoryStore;
use tokio::sync::Barrier;

use crate::{entry, key};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_new_key_is_refused_and_the_old_ones_stay() {
    let store = MemoryStore::new().max_keys(2);
    let (a, b) = (entry("a"), entry("b"));
    assert_eq!(
        store.put(&key("a"), &a, None).await.unwrap(),
        Outcome::Applied
    );
    assert_eq!(
        store.put(&key("b"), &b, None).await.unwrap(),
        Outcome::Applied
    );
    assert!(matches!(
        store.put(&key("c"), &entry("c"), None).await,
        Err(StoreError::Full)
    ));
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(a.clone()));
    assert_eq!(store.get(&key("b")).await.unwrap(), Some(b));
    assert_eq!(store.get(&key("c")).await.unwrap(), None);
    // Existing keys can still be written, and a conflict is still a conflict.
    let next = entry("next");
    assert_eq!(
        store.put(&key("a"), &next, Some(a.version)).await.unwrap(),
        Outcome::Applied
    );
    assert_eq!(
        store.put(&key("a"), &a, None).await.unwrap(),
        Outcome::Conflict(Some(next.clone()))
    );
    assert_eq!(
        store.put(&key("c"), &a, Some(a.version)).await.unwrap(),
        Outcome::Conflict(None)
    );
    // A delete makes room for one key.
    assert_eq!(
        store.delete(&key("a"), next.version).await.unwrap(),
        Outcome::Applied
    );
    assert_eq!(
        store.put(&key("c"), &entry("c"), None).await.unwrap(),
        Outcome::Applied
    );
    assert!(matches!(
        store.put(&key("d"), &entry("d"), None).await,
        Err(StoreError::Full)
    ));
}

#[tokio::test]
async fn a_store_for_no_keys_takes_none() {
    let store = MemoryStore::new().max_keys(0);
    assert!(matches!(
        store.put(&key("a"), &entry("a"), None).await,
        Err(StoreError::Full)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_is_exact_when_many_race() {
    const LIMIT: usize = 50;
    const RACERS: usize = 200;
    let store = MemoryStore::new().max_keys(LIMIT);
    let start = Arc::new(Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let (store, start) = (store.clone(), start.clone());
            tokio::spawn(async move {
                let (key, entry) = (key(&format!("racer-{racer}")), entry("value"));
                start.wait().await;
                // Half of them leave again and come back, so that room is made and taken at once.
                for _ in 0..racer % 2 * 50 {
                    if store.put(&key, &entry, None).await.is_ok() {
                        let _ = store.delete(&key, entry.version).await.unwrap();
                    }
                }
                store.put(&key, &entry, None).await.is_ok()
            })
        })
        .collect();
    let mut taken = 0;
    for racer in racers {
        taken += usize::from(racer.await.unwrap());
    }
    let listed = store.list(Filter::All, None, RACERS).await.unwrap().keys;
    assert_eq!((taken, listed.len()), (LIMIT, LIMIT));
    for key in listed {
        assert!(store.get(&key).await.unwrap().is_some());
    }
}

// A cache would evict some of that many.
#[tokio::test]
async fn without_a_limit_nothing_is_evicted() {
    let store = MemoryStore::new();
    for number in 0..20_000 {
        let outcome = store
            .put(&key(&format!("user-{number}")), &entry("value"), None)
            .await
            .unwrap();
        assert!(outcome.is_applied());
    }
    for number in 0..20_000 {
        assert!(
            store
                .get(&key(&format!("user-{number}")))
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_cursor_of_another_listing_is_an_error() {
    let store = MemoryStore::new();
    for bytes in [&b""[..], b"x", b"a cursor from elsewhere"] {
        for filter in [
            Filter::All,
            Filter::Attention,
            Filter::DueBefore(std::time::SystemTime::now()),
        ] {
            let page = store
                .list(filter, Some(Cursor::new(bytes.to_vec())), 10)
                .await;
            assert!(matches!(page, Err(StoreError::Other { .. })), "{page:?}");
        }
    }
}

#[tokio::test]
async fn a_page_of_no_keys_is_a_page_of_one() {
    let store = MemoryStore::new();
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    assert_eq!(
        store.list(Filter::All, None, 0).await.unwrap().keys,
        [key("a")]
    );
}

#[tokio::test]
async fn expired_entries_make_room() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let store = MemoryStore::new().max_keys(100).clock(move || time.now());
    for number in 0..100 {
        let short = entry("short").with_keep_until(clock.now() + MINUTE);
        let _ = store
            .put(&key(&format!("short-{number}")), &short, None)
            .await
            .unwrap();
    }
    assert!(matches!(
        store.put(&key("more"), &entry("more"), None).await,
        Err(StoreError::Full)
    ));
    clock.advance(MINUTE);
    for number in 0..100 {
        let outcome = store
            .put(&key(&format!("next-{number}")), &entry("next"), None)
            .await
            .unwrap();
        assert!(outcome.is_applied());
    }
    assert!(matches!(
        store.put(&key("more"), &entry("more"), None).await,
        Err(StoreError::Full)
    ));
    assert_eq!(
        store
            .list(Filter::All, None, 1_000)
            .await
            .unwrap()
            .keys
            .len(),
        100
    );
}
