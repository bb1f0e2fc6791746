//! An entry of the keychain: a client secret, or the keys of a store.

use std::{fs::File, path::Path, time::Duration};

use tokenkeeper::store::{EncryptionKey, KeySource as _, Keychain, Keyring, KeyringError};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    BoxError,
    app::{create_private_folder, new_key_id},
    causes,
    exit::{Exited, misconfigured, unavailable},
    progress,
    signal::interruptible,
};

/// The service of the command's entries, next to which a keychain shows their names.
const SERVICE: &str = "tokenkeeper";

/// How long a keychain may take: a person may have to unlock it.
const PATIENCE: Duration = Duration::from_secs(120);

/// An entry of the command in the keychain.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    name: String,
    keychain: Keychain,
}

impl Entry {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            keychain: Keychain::new(SERVICE, name),
        }
    }

    /// Reads the keys of a store.
    pub(crate) async fn keyring(&self) -> Result<Keyring, BoxError> {
        let remedy = format!("`tokenkeeper keychain draw {}` draws a key", self.name);
        self.wait(&remedy, self.keychain.load()).await
    }

    /// Reads a client secret.
    pub(crate) async fn secret(&self) -> Result<Zeroizing<String>, BoxError> {
        let remedy = format!("`tokenkeeper keychain set {}` writes it", self.name);
        let secret = self.wait(&remedy, self.keychain.read_secret()).await?;
        if is_keyring(&secret) {
            let text = format!(
                "the entry `{}` of the keychain holds keys of a store, which no provider may see: \
                 name another entry",
                self.name
            );
            return Err(misconfigured(text).into());
        }
        Ok(secret)
    }

    /// Writes a secret. With `force` it also replaces keys of a store.
    pub(super) async fn write(
        &self,
        secret: Zeroizing<String>,
        force: bool,
    ) -> Result<(), BoxError> {
        if secret.is_empty() {
            return Err(misconfigured("the secret is empty, so nothing was written").into());
        }
        if !force {
            self.refuse_to_lose_keys(Some(&secret)).await?;
        }
        self.wait("", self.keychain.write_secret(secret)).await
    }

    /// Removes the entry. With `force` it also removes keys of a store.
    pub(super) async fn remove(&self, force: bool) -> Result<(), BoxError> {
        if !force {
            self.refuse_to_lose_keys(None).await?;
        }
        self.wait("", self.keychain.remove()).await
    }

    /// Refuses to lose a key of a store, which the replacement does not hold.
    async fn refuse_to_lose_keys(&self, replacement: Option<&str>) -> Result<(), BoxError> {
        let Some(kept) = self.read().await?.and_then(|text| text.parse().ok()) else {
            return Ok(());
        };
        let new = replacement.and_then(|text| text.parse().ok());
        if new.is_some_and(|new| holds_all(&new, &kept)) {
            return Ok(());
        }
        let text = format!(
            "the entry `{}` of the keychain holds keys of a store, and what they encrypt would be \
             lost: write them behind the new key, or add --force",
            self.name
        );
        Err(misconfigured(text).into())
    }

    /// Draws a key. An entry that exists stays: what its keys encrypt would be lost.
    ///
    /// `folder` is that of the user's data. A lock there keeps two calls from drawing at once.
    pub(super) async fn draw(&self, folder: &Path) -> Result<(), BoxError> {
        let _lock = self.lock(folder).await?;
        if self.read().await?.is_some() {
            let text = format!(
                "the keychain has an entry `{}`, which stays as it is: draw another one, or \
                 remove it if no store needs it",
                self.name
            );
            return Err(misconfigured(text).into());
        }
        let keyring = Keyring::new(&new_key_id()?, EncryptionKey::random())?;
        self.wait("", self.keychain.write(&keyring)).await?;
        let kept: Option<Keyring> = self.read().await?.and_then(|text| text.parse().ok());
        if kept.is_some_and(|kept| holds_all(&kept, &keyring)) {
            return Ok(());
        }
        let text = format!(
            "the keychain did not keep the key in the entry `{}`: use no store with it",
            self.name
        );
        Err(misconfigured(text).into())
    }

    /// Waits until no other call draws a key.
    async fn lock(&self, folder: &Path) -> Result<File, BoxError> {
        let file = folder.join("keychain.lock");
        let locked = {
            let (file, folder) = (file.clone(), folder.to_owned());
            interruptible(move || {
                create_private_folder(&folder)?;
                let opened = File::options()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(file)?;
                opened.lock()?;
                Ok(opened)
            })
        };
        locked.await?.map_err(|error: std::io::Error| {
            let file = file.display();
            misconfigured(format!("{file} cannot be locked: {error}")).into()
        })
    }

    /// Reads the entry. `None`: there is none.
    async fn read(&self) -> Result<Option<Zeroizing<String>>, BoxError> {
        match self.within(self.keychain.read_secret()).await? {
            Ok(text) => Ok(Some(text)),
            Err(KeyringError::NoKeychainEntry { .. }) => Ok(None),
            // What is no text holds no keys.
            Err(KeyringError::NotText) => Ok(Some(Zeroizing::default())),
            Err(error) => Err(self.problem("", &error).into()),
        }
    }

    /// Waits for the keychain. `remedy` says how to write a missing entry.
    async fn wait<T>(
        &self,
        remedy: &str,
        call: impl Future<Output = Result<T, KeyringError>>,
    ) -> Result<T, BoxError> {
        let done = self.within(call).await?;
        done.map_err(|error| self.problem(remedy, &error).into())
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, KeyringError>>,
    ) -> Result<Result<T, KeyringError>, Exited> {
        let call = progress::show("waiting for the keychain", timeout(PATIENCE, call));
        call.await.map_err(|_| {
            let seconds = PATIENCE.as_secs();
            unavailable(format!(
                "the keychain did not answer within {seconds} seconds: unlock it, or keep the \
                 secret in a file"
            ))
        })
    }

    fn problem(&self, remedy: &str, error: &KeyringError) -> Exited {
        let name = &self.name;
        let text = match error {
            KeyringError::NoKeychainEntry { .. } if remedy.is_empty() => {
                format!("the keychain has no entry `{name}` of `{SERVICE}`")
            }
            KeyringError::NoKeychainEntry { .. } => {
                format!("the keychain has no entry `{name}` of `{SERVICE}`: {remedy}")
            }
            KeyringError::NotText => format!(
                "the entry `{name}` of the keychain is not UTF-8: `tokenkeeper keychain set \
                 {name}` replaces it"
            ),
            error => format!("the entry `{name}` of the keychain: {}", causes(error)),
        };
        if error.is_transient() {
            return unavailable(text);
        }
        misconfigured(text)
    }
}

/// Returns whether a text is that of keys.
fn is_keyring(text: &str) -> bool {
    text.parse::<Keyring>().is_ok()
}

/// Returns whether a keyring has each key of another one, under the same id.
fn holds_all(new: &Keyring, old: &Keyring) -> bool {
    old.ids().zip(old.keys()).all(|(id, key)| {
        let mut new = new.ids().zip(new.keys());
        new.any(|(new_id, new_key)| new_id == id && new_key.expose() == key.expose())
    })
}

#[cfg(test)]
mod tests;
