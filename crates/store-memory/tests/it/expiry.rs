//! What may be forgotten is forgotten, by the store's own clock.

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_store::conformance::ManualClock;
use tokenkeeper_store::{Filter, Outcome, StoreError, TokenStore};
use tokenkeeper_store_memory::MemoryStore;

use crate::{entry, key};

const MINUTE: Duration = Duration::from_secs(60);

fn store() -> (MemoryStore, ManualClock) {
    let clock = ManualClock::new();
    let time = clock.clone();
    (MemoryStore::new().with_clock(move || time.now()), clock)
}

#[tokio::test]
async fn an_entry_goes_at_its_time_and_not_before() {
    let (store, clock) = store();
    let kept = entry("kept").with_keep_until(clock.now() + MINUTE);
    let _ = store.put(&key("a"), &kept, None).await.unwrap();
    clock.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(kept.clone()));
    let conflict = store.put(&key("a"), &entry("next"), None).await.unwrap();
    assert_eq!(conflict, Outcome::Conflict(Some(kept.clone())));
    clock.advance(Duration::from_nanos(1));
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
    assert_eq!(
        store.delete(&key("a"), kept.version).await.unwrap(),
        Outcome::Conflict(None)
    );
    assert_eq!(
        store.put(&key("a"), &entry("next"), None).await.unwrap(),
        Outcome::Applied
    );
}

#[tokio::test]
async fn what_has_expired_makes_room_in_a_bounded_store() {
    let (store, clock) = store();
    let store = store.bounded(100);
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

#[tokio::test]
async fn a_time_finer_than_a_millisecond_is_rounded_up() {
    let (store, clock) = store();
    let mut fine = entry("fine");
    fine.keep_until = Some(clock.now() + MINUTE + Duration::from_nanos(1));
    fine.due = fine.keep_until;
    let _ = store.put(&key("a"), &fine, None).await.unwrap();
    let found = store.get(&key("a")).await.unwrap().unwrap();
    let whole = clock.now() + MINUTE + Duration::from_millis(1);
    assert_eq!((found.keep_until, found.due), (Some(whole), Some(whole)));
    clock.advance(MINUTE + Duration::from_micros(999));
    assert!(store.get(&key("a")).await.unwrap().is_some());
    clock.advance(Duration::from_micros(1));
    assert!(store.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_time_at_the_ends_of_the_calendar_is_kept() {
    let (store, _) = store();
    let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
    let _ = store
        .put(&key("far"), &entry("far").with_keep_until(far), None)
        .await
        .unwrap();
    assert!(store.get(&key("far")).await.unwrap().is_some());
    let past = UNIX_EPOCH - Duration::from_secs(1);
    let _ = store
        .put(&key("past"), &entry("past").with_keep_until(past), None)
        .await
        .unwrap();
    assert!(store.get(&key("past")).await.unwrap().is_none());
}
