//! The suite over the store: with a clock, with the system's, encrypted, behind `Arc<dyn>`.

use std::sync::Arc;

use tokenkeeper_store::TokenStore;
use tokenkeeper_store::conformance::{ManualClock, Subject};
use tokenkeeper_store_sqlite::SqliteOptions;

use crate::support::{Directory, keyring};

tokenkeeper_store::conformance!(mod with_clock, with_system_clock, encrypted, behind_arc_dyn);

async fn with_clock() -> Subject {
    let (options, directory, clock) = options_with_clock();
    let open = async || options.clone().open_plaintext().await.unwrap();
    subject(open().await, open().await, directory).with_clock(clock)
}

async fn with_system_clock() -> Subject {
    let directory = Directory::new();
    let options = SqliteOptions::new(directory.database());
    let open = async || options.clone().open_plaintext().await.unwrap();
    subject(open().await, open().await, directory).with_system_clock()
}

async fn encrypted() -> Subject {
    let (options, directory, clock) = options_with_clock();
    let open = async || options.clone().open(keyring()).await.unwrap();
    subject(open().await, open().await, directory).with_clock(clock)
}

async fn behind_arc_dyn() -> Subject {
    let directory = Directory::new();
    let options = SqliteOptions::new(directory.database());
    let open = async || {
        let store: Arc<dyn TokenStore> = Arc::new(options.clone().open_plaintext().await.unwrap());
        store
    };
    subject(open().await, open().await, directory)
}

fn options_with_clock() -> (SqliteOptions, Directory, ManualClock) {
    let (directory, clock) = (Directory::new(), ManualClock::new());
    let time = clock.clone();
    let options = SqliteOptions::new(directory.database()).clock(move || time.now());
    (options, directory, clock)
}

/// Two stores on one file, which share nothing else, as two processes do.
fn subject(store: impl TokenStore, peer: impl TokenStore, directory: Directory) -> Subject {
    Subject::new(store)
        .with_peer(peer)
        .with_guard(directory)
        .must_list()
        .must_list_by_due_time()
        .must_claim()
        .must_watch()
        .must_expire()
        .without_cutter()
}
