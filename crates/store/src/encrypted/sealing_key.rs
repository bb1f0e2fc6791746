//! The name of the key of a value.

use super::sealed::{KeyName, SealedValue};
use crate::StoreError;

/// The name of the key that encrypts a value. Each value carries it in the clear.
///
/// It tells which keys a store still needs:
///
/// ```
/// use tokenkeeper_store::{Key, SealingKey, StoreError, TokenStore};
///
/// /// Reads an entry from the store below `Encrypted`, where values are encrypted.
/// async fn key_of(inner: &impl TokenStore, key: &Key) -> Result<Option<String>, StoreError> {
///     let Some(entry) = inner.get(key).await? else {
///         return Ok(None);
///     };
///     Ok(Some(SealingKey::of(&entry.value)?.id().to_owned()))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKey {
    id: String,
    is_wrapping: bool,
}

impl SealingKey {
    /// Reads the name from an encrypted value. It needs no key, and shows nothing of the content.
    ///
    /// # Errors
    /// [`StoreError::NotEncrypted`], [`StoreError::Corrupt`] and [`StoreError::NewerFormat`].
    pub fn of(value: &[u8]) -> Result<Self, StoreError> {
        let name = SealedValue::parse(value)?.name;
        Ok(Self {
            id: name.id().to_owned(),
            is_wrapping: matches!(name, KeyName::Wrapped(_)),
        })
    }

    /// Returns the id of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether it is a key of a [`KeyService`](crate::KeyService), which wraps the data key
    /// in the value. Otherwise it is a key of a [`Keyring`](crate::Keyring).
    #[must_use]
    pub const fn is_wrapping(&self) -> bool {
        self.is_wrapping
    }
}
