//! The suite over the store, with its own time, bounded, and behind `Arc<dyn>`.

use std::sync::Arc;

use tokenkeeper_store::conformance::{ManualClock, Subject};
use tokenkeeper_store::{Encrypted, Filter, Keyring, TokenStore};
use tokenkeeper_store_memory::MemoryStore;

mod with_clock {
    tokenkeeper_store::conformance!(super::with_clock);
}

mod with_system_time {
    tokenkeeper_store::conformance!(|| async { super::MemoryStore::new() });
}

mod bounded {
    tokenkeeper_store::conformance!(|| async { super::MemoryStore::new().bounded(1_000) });
}

mod behind_arc_dyn {
    tokenkeeper_store::conformance!(super::behind_arc_dyn);
}

mod encrypted {
    tokenkeeper_store::conformance!(super::encrypted);
}

/// The decorator over the store and its clock.
async fn encrypted() -> Subject {
    let clock = ManualClock::new();
    let time = clock.clone();
    let keyring = Keyring::new("test", [7; 32]).expect("a valid id");
    Subject::new(Encrypted::new(
        MemoryStore::new().with_clock(move || time.now()),
        keyring,
    ))
    .with_clock(clock)
}

async fn with_clock() -> Subject {
    let clock = ManualClock::new();
    let time = clock.clone();
    Subject::new(MemoryStore::new().with_clock(move || time.now())).with_clock(clock)
}

async fn behind_arc_dyn() -> Arc<dyn TokenStore> {
    Arc::new(MemoryStore::new())
}

// The rules of the suite let a store say that it does neither.
#[tokio::test]
async fn it_lists_and_can_be_watched() {
    let store = MemoryStore::new();
    for filter in [
        Filter::All,
        Filter::Attention,
        Filter::DueBefore(std::time::SystemTime::now()),
    ] {
        assert!(store.list(filter, None, 10).await.is_ok());
    }
    assert!(store.watch().is_some());
}
