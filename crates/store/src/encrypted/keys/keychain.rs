//! The operating system's keychain as a source of keys, and a place of other secrets.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keyring_core::{CredentialStore, Error};
use zeroize::Zeroizing;

use super::super::keyring::{Keyring, KeyringError};
use super::ring::blocking;
use super::source::KeySource;

/// An entry of the operating system's keychain with a keyring or another secret: in macOS's
/// keychain, Windows' credential manager, or the Secret Service of a Linux desktop.
///
/// The tokens stay in the store, since a keychain caps an entry at about 2,560 bytes. A keychain
/// that is missing or locked is an error: nothing is ever kept in plain text instead.
///
/// ```no_run
/// use tokenkeeper_store::{Encrypted, EncryptionKey, Keychain, Keyring, Keys, TokenStore};
///
/// # async fn open(store: impl TokenStore) -> Result<(), tokenkeeper_store::KeyringError> {
/// let keychain = Keychain::new("com.example.app", "token keys");
/// // Once, when the program is set up:
/// keychain.write(&Keyring::new("2026-02", EncryptionKey::random())?).await?;
///
/// let store = Encrypted::new(store, Keys::from_source(keychain));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Keychain {
    service: String,
    name: String,
    store: Option<Arc<CredentialStore>>,
}

impl Keychain {
    /// The maximum length of an entry, in bytes.
    pub const MAX_BYTES: usize = 2560;

    /// Names an entry of the keychain, by the service (the application's id) and a name.
    #[must_use]
    pub fn new(service: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            name: name.into(),
            store: None,
        }
    }

    /// Uses another store of the `keyring-core` family than that of the platform, such as the
    /// kernel's keyutils, or `keyring_core::mock::Store` in tests.
    #[must_use]
    pub fn in_store(mut self, store: Arc<CredentialStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Writes a keyring to the entry, and replaces what it holds.
    ///
    /// A key that is replaced is lost, and what it encrypted too: to rotate, write the new key with
    /// the old ones behind it.
    ///
    /// # Errors
    /// A keychain that is missing or locked, or that takes no entry of this length.
    pub async fn write(&self, keyring: &Keyring) -> Result<(), KeyringError> {
        self.write_secret(keyring.to_text()).await
    }

    /// Writes a secret that is no keyring to the entry, such as a client secret, and replaces what
    /// it holds.
    ///
    /// # Errors
    /// A keychain that is missing or locked, or that takes no entry of this length.
    pub async fn write_secret(&self, secret: Zeroizing<String>) -> Result<(), KeyringError> {
        if secret.len() > Self::MAX_BYTES {
            let reason = format!("{} bytes are more than {}", secret.len(), Self::MAX_BYTES);
            return Err(KeyringError::RefusedKeychainEntry { reason });
        }
        let this = self.clone();
        blocking(move || {
            this.entry()?
                .set_secret(secret.as_bytes())
                .map_err(|e| this.error(e))
        })
        .await
    }

    /// Reads the entry as text, which may be another secret than a keyring. The copy is wiped when
    /// it is dropped.
    ///
    /// # Errors
    /// A keychain that is missing or locked, or an entry that is missing or no text.
    pub async fn read_secret(&self) -> Result<Zeroizing<String>, KeyringError> {
        let this = self.clone();
        blocking(move || {
            let secret = this.entry()?.get_secret().map_err(|e| this.error(e))?;
            let secret = Zeroizing::new(secret);
            let text = str::from_utf8(&secret).map_err(|_| KeyringError::NotText)?;
            Ok(Zeroizing::new(text.to_owned()))
        })
        .await
    }

    /// Removes the entry. What its keys encrypt is lost with them.
    ///
    /// # Errors
    /// A keychain that is missing or locked, or that has no such entry.
    pub async fn remove(&self) -> Result<(), KeyringError> {
        let this = self.clone();
        blocking(move || this.entry()?.delete_credential().map_err(|e| this.error(e))).await
    }

    /// Opens the entry. The call blocks.
    fn entry(&self) -> Result<keyring_core::Entry, KeyringError> {
        let store = match &self.store {
            Some(store) => store.clone(),
            None => platform_store().map_err(KeyringError::no_keychain)?,
        };
        let entry = store.build(&self.service, &self.name, None);
        entry.map_err(|error| self.error(error))
    }

    /// Returns our error. Errors that hold the secret are not kept.
    fn error(&self, error: Error) -> KeyringError {
        let (service, name) = (self.service.clone(), self.name.clone());
        match error {
            Error::NoStorageAccess(source) => KeyringError::KeychainLocked(source),
            Error::NoEntry => KeyringError::NoKeychainEntry { service, name },
            Error::Ambiguous(_) => KeyringError::AmbiguousKeychainEntry { service, name },
            Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringError::NotText,
            Error::TooLong(..) | Error::Invalid(..) | Error::NotSupportedByStore(_) => {
                let reason = error.to_string();
                KeyringError::RefusedKeychainEntry { reason }
            }
            other => KeyringError::no_keychain(other),
        }
    }
}

#[async_trait]
impl KeySource for Keychain {
    async fn load(&self) -> Result<Keyring, KeyringError> {
        self.read_secret().await?.parse()
    }
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keychain")
            .field("service", &self.service)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl KeyringError {
    /// The platform's error alone: others of the family may hold a secret.
    fn no_keychain(error: Error) -> Self {
        Self::NoKeychain(match error {
            Error::PlatformFailure(source) => source,
            Error::BadStoreFormat(_) => "its format is unknown".into(),
            _ => "it failed".into(),
        })
    }
}

#[cfg(target_os = "macos")]
fn platform_store() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn platform_store() -> Result<Arc<CredentialStore>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn platform_store() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "macos", windows, all(unix, not(target_vendor = "apple")))))]
fn platform_store() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::PlatformFailure("this platform has none".into()))
}
