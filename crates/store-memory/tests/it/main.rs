//! Tests of the store in memory.

mod bound;
mod conformance;
mod model;
mod watch;

use tokenkeeper_store::{Entry, Key, Version};

fn key(subject: &str) -> Key {
    Key::new("brand", "https://provider.example", "client", subject).expect("a valid key")
}

fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}
