//! The suite over the store, with its own time, encrypted, and behind `Arc<dyn>`.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use tokenkeeper_store::conformance::{ManualClock, Subject};
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Encrypted, Entry, Filter, Key, Outcome, Page, StoreError,
    TokenStore, Version,
};
use tokenkeeper_store_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Directory, keyring};

mod plaintext {
    tokenkeeper_store::conformance!(super::plaintext);
}

mod with_clock {
    tokenkeeper_store::conformance!(super::with_clock);
}

mod encrypted {
    tokenkeeper_store::conformance!(super::encrypted);
}

mod behind_arc_dyn {
    tokenkeeper_store::conformance!(super::behind_arc_dyn);
}

async fn plaintext() -> InDirectory<SqliteStore> {
    let directory = Directory::new();
    let store = SqliteStore::plaintext(directory.database()).await.unwrap();
    InDirectory { store, directory }
}

async fn with_clock() -> Subject {
    let (options, directory, clock) = options_with_clock();
    let store = options.plaintext().await.unwrap();
    Subject::new(InDirectory { store, directory }).with_clock(clock)
}

async fn encrypted() -> Subject {
    let (options, directory, clock) = options_with_clock();
    let store: Encrypted<SqliteStore> = options.open(keyring()).await.unwrap();
    Subject::new(InDirectory { store, directory }).with_clock(clock)
}

async fn behind_arc_dyn() -> Arc<dyn TokenStore> {
    Arc::new(plaintext().await)
}

fn options_with_clock() -> (SqliteOptions, Directory, ManualClock) {
    let (directory, clock) = (Directory::new(), ManualClock::new());
    let time = clock.clone();
    let options = SqliteOptions::new(directory.database()).with_clock(move || time.now());
    (options, directory, clock)
}

// The rules of the suite let a store say that it does neither.
#[tokio::test]
async fn it_lists_and_can_be_watched() {
    let store = plaintext().await;
    for filter in [
        Filter::All,
        Filter::Attention,
        Filter::DueBefore(SystemTime::now()),
    ] {
        assert!(store.list(filter, None, 10).await.is_ok());
    }
    assert!(store.watch().is_some());
}

/// A store whose file goes with it.
struct InDirectory<S> {
    store: S,
    directory: Directory,
}

impl<S> std::fmt::Debug for InDirectory<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InDirectory({})", self.directory.path().display())
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for InDirectory<S> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.store.put(key, entry, expected).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.store.delete(key, expected).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.store.list(filter, cursor, limit).await
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.store.watch()
    }
}
