//! How far a watcher may lag behind.

use futures_util::StreamExt;
use tokenkeeper_store::TokenStore;
use tokenkeeper_store_memory::MemoryStore;

use crate::{entry, key};

#[tokio::test]
async fn a_slow_watcher_misses_only_the_oldest_changes() {
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
