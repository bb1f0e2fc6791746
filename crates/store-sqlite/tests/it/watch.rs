//! Watchers are told of what changes here and in other processes, once.
//!
//! A second store on the file stands for another process: it shares nothing with the first but the file.

use futures_util::{FutureExt as _, StreamExt as _};
use tokenkeeper_store::{Change, Encrypted, TokenStore};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::support::{Directory, entry, key, keyring};

async fn two(directory: &Directory) -> (SqliteStore, SqliteStore) {
    let open = || SqliteStore::plaintext(directory.database());
    (open().await.unwrap(), open().await.unwrap())
}

#[tokio::test]
async fn every_watcher_is_told_of_puts_and_deletes_through_any_clone() {
    let directory = Directory::new();
    let (store, _) = two(&directory).await;
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
async fn changes_of_another_process_are_told_and_our_own_not_twice() {
    let directory = Directory::new();
    let (ours, theirs) = two(&directory).await;
    let old = entry("old");
    let _ = theirs.put(&key("before"), &old, None).await.unwrap();
    let mut watcher = ours.watch().unwrap();
    // Read after watching began: what changes from now on is told of.
    let _ = ours.get(&key("before")).await.unwrap();
    let _ = ours.put(&key("ours"), &entry("a"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("ours"));
    let _ = theirs.put(&key("theirs"), &entry("b"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("theirs"));
    let _ = theirs.delete(&key("before"), old.version).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("before"));
    let _ = ours.put(&key("last"), &entry("c"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("last"));
}

#[tokio::test]
async fn a_watcher_of_an_encrypted_store_is_told_as_well() {
    let directory = Directory::new();
    let (ours, theirs) = two(&directory).await;
    let (ours, theirs) = (
        Encrypted::new(ours, keyring()),
        Encrypted::new(theirs, keyring()),
    );
    let mut watcher = ours.watch().unwrap();
    assert_eq!(ours.get(&key("a")).await.unwrap(), None);
    let _ = theirs.put(&key("a"), &entry("a"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("a"));
}

// Older changes are removed from the file now and then; the numbers of the rest still only grow.
#[tokio::test]
async fn watching_goes_on_after_more_changes_than_are_kept() {
    let directory = Directory::new();
    let (ours, theirs) = two(&directory).await;
    let mut last = None;
    for _ in 0..1_200 {
        let next = entry("value");
        let _ = theirs.put(&key("busy"), &next, last).await.unwrap();
        last = Some(next.version);
    }
    let mut watcher = ours.watch().unwrap();
    assert!(ours.get(&key("busy")).await.unwrap().is_some());
    let _ = theirs.put(&key("next"), &entry("a"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("next"));
}

#[tokio::test]
async fn a_watcher_that_fell_behind_goes_on_with_the_newest() {
    let directory = Directory::new();
    let (store, _) = two(&directory).await;
    let watcher = store.watch().unwrap();
    for number in 0..2_000 {
        let key = key(&format!("user-{number}"));
        let _ = store.put(&key, &entry("value"), None).await.unwrap();
    }
    let newest = key("user-1999");
    let told = watcher
        .take_while(|change| std::future::ready(change.key != newest))
        .count()
        .await;
    assert!((1_000..1_999).contains(&told), "{told}");
}

#[tokio::test]
async fn a_conflict_changes_nothing_and_is_not_told() {
    let directory = Directory::new();
    let (store, _) = two(&directory).await;
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    let mut watcher = store.watch().unwrap();
    let _ = store.put(&key("a"), &entry("b"), None).await.unwrap();
    let _ = store.delete(&key("b"), entry("b").version).await.unwrap();
    assert_eq!(watcher.next().now_or_never(), None);
}

#[tokio::test]
async fn the_stream_ends_with_the_store() {
    let directory = Directory::new();
    let (store, _) = two(&directory).await;
    let mut watcher = store.watch().unwrap();
    drop(store);
    assert_eq!(watcher.next().await, None);
}
