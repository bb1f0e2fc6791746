//! What the tests share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokenkeeper_store::{Encrypted, Entry, Key, Keyring, StoreError, Version};
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

/// What only a failure takes, however much the machine has to do.
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

/// Options with which no call ends for being slow.
pub(crate) fn patient(url: &str) -> RedisOptions {
    let options = RedisOptions::new(url).expect("a URL");
    options.timeout(LIMIT).connect_timeout(LIMIT)
}

/// A patient store.
pub(crate) async fn open(url: &str) -> RedisStore {
    patient(url).plaintext().await.expect("a store")
}

/// A patient store that encrypts.
pub(crate) async fn sealed(url: &str) -> Encrypted<RedisStore> {
    patient(url).open(keyring()).await.expect("a store")
}

/// Options for a server that other tests use too: with names that no other test has.
pub(crate) fn shared(url: &str) -> RedisOptions {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    patient(url).prefix(format!("test-{number}:"))
}

/// What the store says that is wrong with the server.
pub(crate) fn cause(error: &StoreError) -> &RedisError {
    let source = std::error::Error::source(error).expect("a source");
    source.downcast_ref().expect("a RedisError")
}

/// Waits for what a server does in its own time; fails if it does not within [`LIMIT`].
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
