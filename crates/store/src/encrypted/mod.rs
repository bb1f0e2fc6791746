//! Encryption at rest, over any store.

mod keyring;
mod reencrypt;
mod sealed;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

pub use self::keyring::{EncryptionKey, Keyring, KeyringError};
pub use self::reencrypt::Reencryption;
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
/// [`Keyring::with_old`]. Each entry is encrypted with the new key at its next write, and all
/// entries by [`reencrypt`](Self::reencrypt).
#[derive(Clone, Debug)]
pub struct Encrypted<S> {
    store: S,
    keyring: Keyring,
}

impl<S: TokenStore> Encrypted<S> {
    /// Encrypts values in `store` with the current key of `keyring`, and decrypts with all of its
    /// keys.
    pub fn new(store: S, keyring: Keyring) -> Self {
        Self { store, keyring }
    }

    fn open(&self, key: &Key, entry: Entry) -> Result<Entry, StoreError> {
        let value = sealed::open(&self.keyring, key, &entry)?;
        Ok(Entry { value, ..entry })
    }

    fn open_outcome(&self, key: &Key, outcome: Outcome) -> Result<Outcome, StoreError> {
        match outcome {
            Outcome::Conflict(Some(entry)) => Ok(Outcome::Conflict(Some(self.open(key, entry)?))),
            Outcome::Applied | Outcome::Conflict(None) => Ok(outcome),
        }
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Encrypted<S> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store
            .get(key)
            .await?
            .map(|entry| self.open(key, entry))
            .transpose()
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
        let value = sealed::seal(&self.keyring, key, &entry)?;
        let outcome = self
            .store
            .put(key, &Entry { value, ..entry }, expected)
            .await?;
        self.open_outcome(key, outcome)
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let outcome = self.store.delete(key, expected).await?;
        self.open_outcome(key, outcome)
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
        self.store.check_health().await
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.store.watch()
    }
}
