//! Watchers are told of what changes, and of nothing else.

use futures_util::{FutureExt, StreamExt};
use tokenkeeper_store::{Change, TokenStore};
use tokenkeeper_store_memory::MemoryStore;

use crate::{entry, key};

#[tokio::test]
async fn every_watcher_is_told_of_puts_and_deletes_through_any_clone() {
    let store = MemoryStore::new();
    let mut watchers = [store.watch().unwrap(), store.clone().watch().unwrap()];
    let (a, b) = (entry("a"), entry("b"));
    let _ = store.clone().put(&key("a"), &a, None).await.unwrap();
    let _ = store.put(&key("b"), &b, None).await.unwrap();
    let _ = store.delete(&key("a"), a.version).await.unwrap();
    let changes = [
        Change::new(key("a"), a.version),
        Change::new(key("b"), b.version),
        Change::new(key("a"), None),
    ];
    for watcher in &mut watchers {
        let told: Vec<_> = watcher.take(3).collect().await;
        assert_eq!(told, changes);
    }
}

#[tokio::test]
async fn a_conflict_changes_nothing_and_is_not_told() {
    let store = MemoryStore::new();
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    let mut watcher = store.watch().unwrap();
    let _ = store.put(&key("a"), &entry("b"), None).await.unwrap();
    let _ = store.delete(&key("b"), entry("b").version).await.unwrap();
    assert_eq!(watcher.next().now_or_never(), None);
}

#[tokio::test]
async fn a_watcher_that_fell_behind_goes_on_with_the_newest() {
    let store = MemoryStore::new();
    let watcher = store.watch().unwrap();
    for number in 0..5_000 {
        let _ = store
            .put(&key(&format!("user-{number}")), &entry("value"), None)
            .await
            .unwrap();
    }
    let newest = key("user-4999");
    let told = watcher
        .take_while(|change| std::future::ready(change.key != newest))
        .count()
        .await;
    assert!((1_000..4_999).contains(&told), "{told}");
}

#[tokio::test]
async fn the_stream_ends_with_the_store() {
    let store = MemoryStore::new();
    let mut watcher = store.watch().unwrap();
    drop(store);
    assert_eq!(watcher.next().await, None);
}
