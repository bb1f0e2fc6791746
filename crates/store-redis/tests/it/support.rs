//! What the tests share.

use std::sync::atomic::{AtomicU32, Ordering};

use tokenkeeper_store::{Entry, Key, Keyring, StoreError, Version};
use tokenkeeper_store_redis::{RedisError, RedisOptions};

pub(crate) fn key(subject: &str) -> Key {
    Key::new("brand", "https://provider.example", "client", subject).expect("a valid key")
}

pub(crate) fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}

pub(crate) fn keyring() -> Keyring {
    Keyring::new("test", [7; 32]).expect("a valid id")
}

/// Options for a server that other tests use too: with names that no other test has.
pub(crate) fn shared(url: &str) -> RedisOptions {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    RedisOptions::new(url)
        .expect("a URL")
        .prefix(format!("test-{number}:"))
}

/// What the store says that is wrong with the server.
pub(crate) fn cause(error: &StoreError) -> &RedisError {
    let source = std::error::Error::source(error).expect("a source");
    source.downcast_ref().expect("a RedisError")
}
