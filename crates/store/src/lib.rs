#![doc = include_str!("../README.md")]

mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
mod encrypted;
mod entry;
mod error;
mod error_chain;
mod key;
mod listing;
mod token_store;

pub use crate::change::Change;
#[cfg(feature = "keychain")]
pub use crate::encrypted::Keychain;
pub use crate::encrypted::{
    Encrypted, EncryptionKey, KeyService, KeyServiceError, KeySource, Keyring, KeyringError,
    KeyringFile, KeyringVariable, Keys, Reencryption, SealingKey, WrappedKey,
};
pub use crate::entry::{Entry, Outcome, Version, unix_millis};
pub use crate::error::{Advice, BoxError, StoreError};
pub use crate::error_chain::ErrorChain;
pub use crate::key::{Key, KeyDigest, KeyError};
pub use crate::listing::{Cursor, Filter, Page};
pub use crate::token_store::TokenStore;

/// A boxed stream, as [`TokenStore::watch`] returns it.
pub type BoxStream<'a, T> = std::pin::Pin<Box<dyn futures_core::Stream<Item = T> + Send + 'a>>;
