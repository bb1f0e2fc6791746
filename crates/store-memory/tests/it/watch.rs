//! How far a watcher may lag behind.

use futures_util::StreamExt;
use tokenkeeper_store::TokenStore;
use tokenkeeper_store_memory::MemoryStore;

use crate::{entry, key};

#[tokio::test]
async fn a_stream_that_missed_changes_ends() {
    let store = MemoryStore::new();
    let watcher = store.watch().unwrap();
    for number in 0..5_000 {
        let _ = store
            .put(&key(&format!("user-{number}")), &entry("value"), None)
            .await
            .unwrap();
    }
    // It ends although the store is still there.
    let told = watcher.count().await;
    assert!(told < 4999, "{told}");
}
