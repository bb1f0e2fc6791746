//! Where the keys of an encrypted store come from.

mod cache;
mod envelope;
#[cfg(feature = "keychain")]
mod keychain;
mod ring;
mod service;
mod source;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::envelope::Envelope;
#[cfg(feature = "keychain")]
pub use self::keychain::Keychain;
use self::ring::Ring;
pub use self::service::{KeyService, KeyServiceError, WrappedKey};
pub use self::source::{KeySource, KeyringFile, KeyringVariable};
use super::keyring::{EncryptionKey, Keyring};
use super::sealed::{self, KeyName, SealedValue};
use crate::{Entry, Key, StoreError};

/// The keys of an [`Encrypted`](crate::Encrypted) store: a [`Keyring`], a [`KeySource`] that loads
/// one, or a [`KeyService`] that wraps a key per entry.
///
/// What they read can be joined with [`with_old`](Self::with_old), to move from one to another.
///
/// ```
/// use tokenkeeper_store::{EncryptionKey, Keyring, KeyringFile, Keys};
///
/// // Keys that are at hand:
/// let keys = Keys::from(Keyring::new("2026-02", EncryptionKey::random())?);
///
/// // A file that is read with the first entry, and again when its keys change:
/// let keys = Keys::from_source(KeyringFile::new("/etc/app/keys")).with_old(keys);
/// # Ok::<(), tokenkeeper_store::KeyringError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Keys {
    /// The current one, which writes, first; never empty.
    holders: Vec<Holder>,
    timeout: Duration,
}

#[derive(Clone, Debug)]
enum Holder {
    Ring(Arc<Ring>),
    Service(Arc<Envelope>),
}

/// A key that encrypts an entry, and the bytes before the nonce that name it.
pub(super) struct ValueKey {
    pub(super) head: Bytes,
    pub(super) secret: EncryptionKey,
}

impl Keys {
    /// Loads a keyring from `source` when the first entry is read or written.
    ///
    /// The keyring is cached, and loaded again when an entry names a key that it lacks, at most
    /// every ten seconds, and when an entry is read five minutes later. If that fails, the cached
    /// keys go on. Keys that the source no longer has are wiped. Calls need tokio's timers.
    pub fn from_source(source: impl KeySource) -> Self {
        Self::of(Holder::Ring(Arc::new(Ring::loaded_from(source))))
    }

    /// Encrypts each entry with its own data key, which `service` wraps: the entry holds the
    /// wrapped key.
    ///
    /// The keys of the entries that were used last are cached, so that an entry that was read or
    /// written lately is written without the service: an outage of the service does not come
    /// between the answer of a token endpoint and its write. An entry keeps its data key until
    /// [`reencrypt`](crate::Encrypted::reencrypt). Calls need tokio's timers.
    pub fn from_service(service: impl KeyService) -> Self {
        Self::of(Holder::Service(Arc::new(Envelope::new(service))))
    }

    const fn of_holders(holders: Vec<Holder>) -> Self {
        Self {
            holders,
            timeout: TIMEOUT,
        }
    }

    fn of(holder: Holder) -> Self {
        Self::of_holders(vec![holder])
    }

    /// Adds keys that only read.
    #[must_use]
    pub fn with_old(mut self, old: impl Into<Self>) -> Self {
        self.holders.extend(old.into().holders);
        self
    }

    /// Sets how long a call of a source or a service may take. Afterwards the store's call fails
    /// with [`StoreError::Unavailable`].
    ///
    /// Default: 2 seconds. It should be shorter than what the caller of the store waits.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many data keys of a service are cached, at least 2. The ones that were used last
    /// stay; the others are wiped.
    ///
    /// Default: 10,000. It should exceed the number of accounts that a process refreshes in a
    /// minute.
    #[must_use]
    pub fn with_cached_data_keys(self, most: usize) -> Self {
        for envelope in self.services() {
            envelope.set_capacity(most);
        }
        self
    }

    /// Returns the key for the next write of the entry under `key`.
    pub(super) async fn for_writing(&self, key: &Key) -> Result<ValueKey, StoreError> {
        match &self.holders[0] {
            Holder::Ring(ring) => {
                let keyring = ring.keyring(self.timeout).await?;
                let (id, secret) = keyring.current();
                Ok(ValueKey {
                    head: sealed::head_of_ring(id),
                    secret: secret.clone(),
                })
            }
            Holder::Service(envelope) => envelope.for_writing(key, self.timeout).await,
        }
    }

    /// Returns another key for the entry under `key` than the one that it has.
    pub(super) async fn renewed(&self, key: &Key) -> Result<ValueKey, StoreError> {
        match &self.holders[0] {
            Holder::Ring(_) => self.for_writing(key).await,
            Holder::Service(envelope) => envelope.renewed(key, self.timeout).await,
        }
    }

    /// Decrypts the value of `entry`.
    pub(super) async fn open(&self, key: &Key, entry: &Entry) -> Result<Bytes, StoreError> {
        let value = SealedValue::parse(&entry.value)?;
        let mut known = Vec::new();
        let opened = match value.name {
            KeyName::Ring(id) => {
                self.open_by_ring(id, &value, key, entry, &mut known)
                    .await?
            }
            KeyName::Wrapped(wrapped) => {
                let services = self.services();
                let mut opened = None;
                for envelope in services {
                    let timeout = self.timeout;
                    opened = envelope.open(wrapped, &value, key, entry, timeout).await?;
                    known.push(wrapped.key_id.to_owned());
                    if opened.is_some() {
                        break;
                    }
                }
                opened
            }
        };
        opened.ok_or_else(|| StoreError::Undecryptable {
            key_id: value.name.id().to_owned(),
            known_ids: known,
        })
    }

    async fn open_by_ring(
        &self,
        id: &str,
        value: &SealedValue<'_>,
        key: &Key,
        entry: &Entry,
        known: &mut Vec<String>,
    ) -> Result<Option<Bytes>, StoreError> {
        for holder in &self.holders {
            let Holder::Ring(ring) = holder else { continue };
            let keyring = ring.keyring_with(id, self.timeout).await?;
            let opened = keyring.find(id).and_then(|it| value.open(it, key, entry));
            if opened.is_some() {
                return Ok(opened);
            }
            known.extend(keyring.ids().map(str::to_owned));
        }
        Ok(None)
    }

    /// Returns the name that the current key gives its values.
    pub(super) async fn current(&self) -> Result<CurrentKey, StoreError> {
        Ok(match &self.holders[0] {
            Holder::Ring(ring) => {
                let keyring = ring.keyring(self.timeout).await?;
                CurrentKey::Ring(keyring.current().0.to_owned())
            }
            Holder::Service(envelope) => {
                CurrentKey::Service(envelope.current_id(self.timeout).await?)
            }
        })
    }

    /// Forgets the data key of a removed entry.
    pub(super) fn forget(&self, key: &Key) {
        for envelope in self.services() {
            envelope.forget(key);
        }
    }

    fn services(&self) -> impl Iterator<Item = &Arc<Envelope>> {
        self.holders.iter().filter_map(|holder| match holder {
            Holder::Service(envelope) => Some(envelope),
            Holder::Ring(_) => None,
        })
    }
}

impl From<Keyring> for Keys {
    fn from(keyring: Keyring) -> Self {
        Self::of(Holder::Ring(Arc::new(Ring::fixed(keyring))))
    }
}

/// The key that writes now.
pub(super) enum CurrentKey {
    Ring(String),
    Service(String),
}

impl CurrentKey {
    /// Returns whether a value has the newest format and names this key; it may still be damaged.
    pub(super) fn wrote(&self, value: &[u8]) -> bool {
        let Ok(value) = SealedValue::parse(value) else {
            return false;
        };
        match (self, value.name) {
            (Self::Ring(id), KeyName::Ring(found)) => value.is_bound() && id == found,
            (Self::Service(id), KeyName::Wrapped(found)) => id == found.key_id,
            _ => false,
        }
    }
}

/// The default bound of a call to a source or a service.
const TIMEOUT: Duration = Duration::from_secs(2);
