//! The suite over the store: with a clock, with the system's, bounded, encrypted, behind
//! `Arc<dyn>`.

use std::sync::Arc;

use tokenkeeper_store::conformance::{ManualClock, Subject};
use tokenkeeper_store::{Encrypted, Keyring, TokenStore};
use tokenkeeper_store_memory::MemoryStore;

tokenkeeper_store::conformance!(
    mod with_clock, with_system_clock, bounded, encrypted, behind_arc_dyn
);

async fn with_clock() -> Subject {
    let (store, clock) = store_with_clock();
    subject(store.clone(), store).with_clock(clock)
}

async fn with_system_clock() -> Subject {
    let store = MemoryStore::new();
    subject(store.clone(), store).with_system_clock()
}

async fn bounded() -> Subject {
    let store = MemoryStore::new().max_keys(3_000);
    subject(store.clone(), store)
}

async fn encrypted() -> Subject {
    let (store, clock) = store_with_clock();
    let keyring = Keyring::new("test", [7; 32]).expect("a valid id");
    let encrypted = |store| Encrypted::new(store, keyring.clone());
    subject(encrypted(store.clone()), encrypted(store)).with_clock(clock)
}

async fn behind_arc_dyn() -> Subject {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    subject(store.clone(), store)
}

fn store_with_clock() -> (MemoryStore, ManualClock) {
    let clock = ManualClock::new();
    let time = clock.clone();
    (MemoryStore::new().clock(move || time.now()), clock)
}

fn subject(store: impl TokenStore, peer: impl TokenStore) -> Subject {
    Subject::new(store)
        .with_peer(peer)
        .must_list()
        .must_list_by_due_time()
        .must_claim()
        .must_watch()
        .must_expire()
        .without_cutter()
}
