//! Tests of the trait's types, the suite and the encryption.

#[cfg(feature = "conformance")]
mod broken_stores;
mod encrypted;
mod entry;
mod errors;
mod key;
mod key_service;
mod key_sources;
#[cfg(feature = "keychain")]
mod keychain;
mod keyring;
mod reencrypt;
#[cfg(feature = "conformance")]
mod remote_store;
mod simple_store;
#[cfg(feature = "conformance")]
mod suite;

use tokenkeeper_store::{Entry, Key, Version};

fn key(subject: &str) -> Key {
    Key::new("brand", "https://provider.example", "client", subject).expect("a valid key")
}

fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}
