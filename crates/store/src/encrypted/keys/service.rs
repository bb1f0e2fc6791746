//! The trait of a service that wraps keys.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::super::keyring::EncryptionKey;
use crate::BoxError;

/// A key management service, which wraps and unwraps data keys without giving its own key away.
///
/// Each entry has a data key, whose wrapped form is in the entry. See [`Keys::from_service`]: it
/// caches data keys and bounds each call, so an implementation does neither.
///
/// A service in memory, as a stand-in for tests:
///
/// ```
/// use async_trait::async_trait;
/// use chacha20poly1305::aead::{Aead as _, KeyInit as _};
/// use chacha20poly1305::{XChaCha20Poly1305, XNonce};
/// use tokenkeeper_store::{
///     Encrypted, EncryptionKey, KeyService, KeyServiceError, Keys, TokenStore, WrappedKey,
/// };
///
/// #[derive(Debug)]
/// struct LocalService {
///     key: EncryptionKey,
/// }
///
/// impl LocalService {
///     fn cipher(&self) -> XChaCha20Poly1305 {
///         XChaCha20Poly1305::new(self.key.expose().into())
///     }
/// }
///
/// #[async_trait]
/// impl KeyService for LocalService {
///     async fn wrap_key(&self, key: &EncryptionKey) -> Result<WrappedKey, KeyServiceError> {
///         // A real service is asked here. Data keys are random, so each needs one nonce only.
///         let nonce = *EncryptionKey::random().expose().first_chunk::<24>().expect("shorter");
///         let wrapped = self.cipher().encrypt(&XNonce::from(nonce), &key.expose()[..]);
///         let wrapped = wrapped.map_err(|_| KeyServiceError::refused("too long"))?;
///         WrappedKey::new("local-1", [&nonce[..], &wrapped].concat())
///     }
///
///     async fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<EncryptionKey, KeyServiceError> {
///         let invalid = || KeyServiceError::invalid("it was not wrapped here");
///         if wrapped.key_id() != "local-1" {
///             return Err(invalid());
///         }
///         let (nonce, bytes) = wrapped.bytes().split_first_chunk::<24>().ok_or_else(invalid)?;
///         let key = self.cipher().decrypt(&XNonce::from(*nonce), bytes).map_err(|_| invalid())?;
///         EncryptionKey::try_from(&key[..]).map_err(KeyServiceError::invalid)
///     }
/// }
///
/// # async fn open(store: impl TokenStore) {
/// let service = LocalService { key: EncryptionKey::random() };
/// let store = Encrypted::new(store, Keys::from_service(service));
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), KeyServiceError> {
/// # let service = LocalService { key: EncryptionKey::random() };
/// # let key = EncryptionKey::random();
/// # let wrapped = service.wrap_key(&key).await?;
/// # assert_eq!(service.unwrap_key(&wrapped).await?.expose(), key.expose());
/// # let other = LocalService { key: EncryptionKey::random() };
/// # assert!(other.unwrap_key(&wrapped).await.is_err());
/// # Ok(()) }
/// ```
///
/// [`Keys::from_service`]: crate::Keys::from_service
#[async_trait]
pub trait KeyService: fmt::Debug + Send + Sync + 'static {
    /// Wraps a data key with the service's current key.
    ///
    /// The future may be dropped at any time.
    ///
    /// # Errors
    /// [`Unavailable`](KeyServiceError::Unavailable) or [`Refused`](KeyServiceError::Refused).
    async fn wrap_key(&self, key: &EncryptionKey) -> Result<WrappedKey, KeyServiceError>;

    /// Unwraps a data key that any key of the service has wrapped.
    ///
    /// The future may be dropped at any time.
    ///
    /// # Errors
    /// As for [`wrap_key`](Self::wrap_key), and [`Invalid`](KeyServiceError::Invalid) only if the
    /// service has judged that it can never unwrap this: a new login may then replace the entry.
    async fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<EncryptionKey, KeyServiceError>;
}

/// A data key that a [`KeyService`] has wrapped. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    key_id: String,
    bytes: Bytes,
}

impl WrappedKey {
    /// The maximum length of a wrapped key, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Creates a wrapped key from the id of the key that wrapped it, such as its name and version,
    /// and the service's bytes.
    ///
    /// # Errors
    /// [`KeyServiceError::Refused`] for an id that is empty or longer than 255 bytes, or more than
    /// [`MAX_BYTES`](Self::MAX_BYTES) bytes, since no entry could hold it.
    pub fn new(key_id: &str, bytes: impl Into<Bytes>) -> Result<Self, KeyServiceError> {
        let bytes = bytes.into();
        if key_id.is_empty() || key_id.len() > 255 {
            return Err(KeyServiceError::refused(
                "the id of a wrapping key must have 1 to 255 bytes",
            ));
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(KeyServiceError::refused(
                "a wrapped key must have at most 4096 bytes",
            ));
        }
        Ok(Self {
            key_id: key_id.to_owned(),
            bytes,
        })
    }

    /// Returns the id of the key that wrapped it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Returns the service's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The error of a [`KeyService`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyServiceError {
    /// The service cannot be reached or is busy.
    #[error("the key service is unavailable: try again later")]
    Unavailable {
        /// The service's error.
        #[source]
        source: BoxError,
    },
    /// The service did not answer in time.
    #[error("the key service did not answer within {waited:?}: try again later")]
    TimedOut {
        /// How long the call waited.
        waited: Duration,
    },
    /// The service refuses this process or its key.
    #[error("the key service refuses: check the key, and the rights of this process to it")]
    Refused {
        /// The service's error.
        #[source]
        source: BoxError,
    },
    /// The service can never unwrap this data key: it is damaged, or its key was destroyed.
    #[error("the key service cannot unwrap a data key: it is damaged, or its key is gone")]
    Invalid {
        /// The service's error.
        #[source]
        source: BoxError,
    },
}

impl KeyServiceError {
    /// Creates an [`Unavailable`](Self::Unavailable).
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// Creates a [`Refused`](Self::Refused).
    pub fn refused(source: impl Into<BoxError>) -> Self {
        Self::Refused {
            source: source.into(),
        }
    }

    /// Creates an [`Invalid`](Self::Invalid).
    pub fn invalid(source: impl Into<BoxError>) -> Self {
        Self::Invalid {
            source: source.into(),
        }
    }
}
