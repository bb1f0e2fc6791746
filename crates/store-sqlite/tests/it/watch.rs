//! Watchers get each change once, whether the writer is this process or another.
//!
//! A second store on the file stands for another process: the two share only the file.

use futures_util::StreamExt as _;
use tokenkeeper_store::TokenStore;
use tokenkeeper_store_sqlite::SqliteStore;

use crate::support::{Directory, entry, key};

async fn two(directory: &Directory) -> (SqliteStore, SqliteStore) {
    let open = || SqliteStore::open_plaintext(directory.database());
    (open().await.unwrap(), open().await.unwrap())
}

#[tokio::test]
async fn our_own_changes_come_only_once() {
    let directory = Directory::new();
    let (ours, theirs) = two(&directory).await;
    let old = entry("old");
    let _ = theirs.put(&key("before"), &old, None).await.unwrap();
    let mut watcher = ours.watch().unwrap();
    // A read after watching began: later changes are told.
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

// Older changes are removed from the file; the numbers of the others still only grow.
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
async fn a_stream_that_missed_changes_ends() {
    let directory = Directory::new();
    let (store, _) = two(&directory).await;
    let watcher = store.watch().unwrap();
    for number in 0..2_000 {
        let key = key(&format!("user-{number}"));
        let _ = store.put(&key, &entry("value"), None).await.unwrap();
    }
    // It ends although the store is still there.
    let told = watcher.count().await;
    assert!(told < 1999, "{told}");
}
