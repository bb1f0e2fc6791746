//! Encryption at rest, over any store.

mod keyring;
mod keys;
mod reencrypt;
mod sealed;
mod sealing_key;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

pub use self::keyring::{EncryptionKey, Keyring, KeyringError};
#[cfg(feature = "keychain")]
pub use self::keys::Keychain;
pub use self::keys::{
    KeyService, KeyServiceError, KeySource, KeyringFile, KeyringVariable, Keys, WrappedKey,
};
pub use self::reencrypt::Reencryption;
pub use self::sealing_key::SealingKey;
use crate::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};

/// A store whose values are encrypted with XChaCha20-Poly1305 before the store `S` sees them.
///
/// Each value is bound to its key, version, times and attention mark: an entry that is moved to
/// another account, put back under another version, kept for longer or listed at another time
/// cannot be decrypted. They are not encrypted, since the store finds entries by them. The
/// encryption does not detect an older entry that is put back unchanged.
///
/// An entry that cannot be decrypted is an error for each reader, also in a
/// [`Conflict`](Outcome::Conflict). It is overwritten or deleted only by a caller that asks for its
/// [`version`](TokenStore::version).
///
/// ```
/// use tokenkeeper_store::{Encrypted, Keyring};
/// # use tokenkeeper_store::{EncryptionKey, TokenStore};
/// # fn open(store: impl TokenStore) -> Result<(), Box<dyn std::error::Error>> {
///
/// // A key as `openssl rand -base64 32` prints it, after an id of your choice.
/// # let key = "SC4last5ZV4agqQ5ZjlTMQFOKg8TGiCbtIk4tEzspAw=";
/// let keyring: Keyring = format!("2026-02:{key}").parse()?;
/// let store = Encrypted::new(store, keyring);
/// # Ok(())
/// # }
/// # open(std::sync::Arc::new(NoStore)).unwrap();
/// # #[derive(Debug)] struct NoStore;
/// # use tokenkeeper_store::{Entry, Key, Outcome, StoreError, Version};
/// # #[async_trait::async_trait]
/// # impl TokenStore for NoStore {
/// #     async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> { Ok(None) }
/// #     async fn put(
/// #         &self,
/// #         _: &Key,
/// #         _: &Entry,
/// #         _: Option<Version>,
/// #     ) -> Result<Outcome, StoreError> {
/// #         Err(StoreError::Full)
/// #     }
/// #     async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
/// #         Err(StoreError::Full)
/// #     }
/// # }
/// ```
///
/// To rotate the key, make the new one current and keep the old one for reading, with
/// [`Keyring::with_old`] or [`Keys::with_old`]. Each entry is encrypted with the new key at its
/// next write, and all entries by [`reencrypt`](Self::reencrypt).
///
/// [`check_health`](TokenStore::check_health) loads the keys and opens a few entries, so that keys
/// of another store are noticed at the start; an engine calls it once.
#[derive(Clone, Debug)]
pub struct Encrypted<S> {
    store: S,
    keys: Keys,
}

impl<S: TokenStore> Encrypted<S> {
    /// Encrypts values in `store` with the current one of `keys`, which may be a [`Keyring`], and
    /// decrypts with all of them.
    pub fn new(store: S, keys: impl Into<Keys>) -> Self {
        let keys = keys.into();
        Self { store, keys }
    }

    async fn open(&self, key: &Key, entry: Entry) -> Result<Entry, StoreError> {
        let value = self.keys.open(key, &entry).await?;
        Ok(Entry { value, ..entry })
    }

    async fn open_outcome(&self, key: &Key, outcome: Outcome) -> Result<Outcome, StoreError> {
        match outcome {
            Outcome::Conflict(Some(entry)) => {
                Ok(Outcome::Conflict(Some(self.open(key, entry).await?)))
            }
            Outcome::Applied | Outcome::Conflict(None) => Ok(outcome),
        }
    }

    /// Opens a few entries, to notice keys that are not those of the store.
    async fn check_entries(&self) -> Result<(), StoreError> {
        let page = match self.store.list(Filter::All, None, LOOKED_AT).await {
            Err(StoreError::Unsupported(_)) => return Ok(()),
            page => page?,
        };
        let mut unreadable = None;
        for key in &page.keys {
            match self.get(key).await {
                Err(error) if error.is_of_one_entry() => unreadable = unreadable.or(Some(error)),
                found => drop(found?),
            }
        }
        unreadable.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Encrypted<S> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        match self.store.get(key).await? {
            Some(entry) => self.open(key, entry).await.map(Some),
            None => Ok(None),
        }
    }

    async fn version(&self, key: &Key) -> Result<Option<Version>, StoreError> {
        self.store.version(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        // Rounded first, since the value is bound to the time that the store keeps.
        let entry = entry.rounded();
        let value = sealed::seal(&self.keys.for_writing(key).await?, key, &entry)?;
        let outcome = self
            .store
            .put(key, &Entry { value, ..entry }, expected)
            .await?;
        self.open_outcome(key, outcome).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let outcome = self.store.delete(key, expected).await?;
        if outcome.is_applied() {
            self.keys.forget(key);
        }
        self.open_outcome(key, outcome).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.store.list(filter, cursor, limit).await
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.store.claim(keys, now, lasting).await
    }

    async fn check_health(&self) -> Result<(), StoreError> {
        self.store.check_health().await?;
        self.keys.current().await?;
        self.check_entries().await
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.store.watch()
    }
}

/// How many entries a check of the keys opens.
const LOOKED_AT: usize = 8;
