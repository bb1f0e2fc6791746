//! Helpers of the tests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokenkeeper_store::{Encrypted, Entry, Filter, Key, Keyring, StoreError, TokenStore, Version};
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

/// A timeout that only a failure reaches, however busy the machine is.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn key(subject: &str) -> Key {
    Key::new("brand", "https://provider.example", "client", subject).expect("a valid key")
}

pub(crate) fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}

pub(crate) fn keyring() -> Keyring {
    Keyring::new("test", [7; 32]).expect("a valid id")
}

/// Options with timeouts that no slow call reaches.
pub(crate) fn patient(url: &str) -> RedisOptions {
    RedisOptions::new(url)
        .response_timeout(LIMIT)
        .connect_timeout(LIMIT)
}

/// A patient store.
pub(crate) async fn open(url: &str) -> RedisStore {
    patient(url).open_plaintext().await.expect("a store")
}

/// A patient store that encrypts.
pub(crate) async fn sealed(url: &str) -> Encrypted<RedisStore> {
    patient(url).open(keyring()).await.expect("a store")
}

/// Options for a server that other tests use too, with a prefix of this test.
pub(crate) fn shared(url: &str) -> RedisOptions {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    patient(url).prefix(format!("test-{number}:"))
}

/// Lists all pages, and returns their keys, sorted.
pub(crate) async fn listed(store: &RedisStore, filter: Filter, limit: usize) -> Vec<Key> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(filter, cursor, limit).await.expect("a page");
        assert!(page.keys.len() <= limit);
        keys.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            keys.sort();
            return keys;
        }
    }
}

/// Returns whether a name in Redis is that of a record.
pub(crate) fn is_record(name: &str) -> bool {
    name.rsplit(':').next().is_some_and(|id| id.len() == 40)
}

/// The source of an error.
pub(crate) fn cause(error: &StoreError) -> &RedisError {
    let source = std::error::Error::source(error).expect("a source");
    source.downcast_ref().expect("a RedisError")
}

/// Waits until `done` returns true; fails after [`LIMIT`].
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
