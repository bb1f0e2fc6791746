//! The operating system's keychain: `tokenkeeper keychain`, and the entries that a configuration
//! names.

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;
use serde_json::json;
use tokenkeeper::store::{EncryptionKey, KeySource as _, Keychain, Keyring, KeyringError};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    BoxError, causes,
    exit::{Exited, misconfigured},
    global::Global,
    output, progress, secret,
};

/// The service of the command's entries, next to which a keychain shows their names.
const SERVICE: &str = "tokenkeeper";

/// The entry of the store's keys, unless the configuration names another one.
pub(crate) const KEYS: &str = "keys";

/// How long a keychain may take: a person may have to unlock it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Keeps secrets in the keychain of the operating system
///
/// That is macOS's keychain, Windows' credential manager, or the Secret Service of a Linux desktop.
/// A configuration names an entry by `client_secret_keychain = "NAME"`, and takes the store's keys
/// from there by `keys = "keychain"`.
///
/// Examples:
///   tokenkeeper keychain set github
///   tokenkeeper keychain draw
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a secret to an entry, and replaces what it holds
    ///
    /// The terminal asks for it, and does not show it.
    ///
    /// Example: tokenkeeper keychain set github
    Set {
        /// The name of the entry.
        name: String,
        /// Read the secret from stdin.
        #[arg(long)]
        stdin: bool,
    },
    /// Draws a key for a store, and writes it to an entry that does not exist yet
    ///
    /// Call it once, before the first login: what a lost key encrypts is lost.
    ///
    /// Example: tokenkeeper keychain draw
    Draw {
        /// The name of the entry.
        #[arg(default_value = KEYS)]
        name: String,
    },
    /// Removes an entry
    ///
    /// Example: tokenkeeper keychain remove github
    Remove {
        /// The name of the entry.
        name: String,
    },
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let (name, done) = match arguments.command {
        Command::Set { name, stdin } => {
            let secret = if stdin {
                secret::from_stdin("--stdin").await?
            } else {
                secret::ask("Secret: ", "use --stdin").await?
            };
            Entry::new(&name).write(secret).await?;
            (name, "written")
        }
        Command::Draw { name } => {
            Entry::new(&name).draw().await?;
            (name, "written")
        }
        Command::Remove { name } => {
            Entry::new(&name).remove().await?;
            (name, "removed")
        }
    };
    if global.json {
        output::json(&json!({ "entry": name, "state": done }))?;
    } else {
        output::note(&format!("The entry `{name}` is {done}."));
    }
    Ok(ExitCode::SUCCESS)
}

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
        self.wait(&remedy, self.keychain.read_secret()).await
    }

    async fn write(&self, secret: Zeroizing<String>) -> Result<(), BoxError> {
        if secret.is_empty() {
            return Err(misconfigured("the secret is empty, so nothing was written").into());
        }
        self.wait("", self.keychain.write_secret(secret)).await
    }

    /// Draws a key. An entry that exists stays: what its keys encrypt would be lost.
    async fn draw(&self) -> Result<(), BoxError> {
        let read = self.keychain.read_secret();
        match self.within(read).await? {
            Err(KeyringError::NoKeychainEntry { .. }) => {}
            Err(error) => return Err(self.problem("", &error).into()),
            Ok(_) => {
                let text = format!(
                    "the keychain has an entry `{}`, which stays as it is: draw another one, or \
                     remove it if no store needs it",
                    self.name
                );
                return Err(misconfigured(text).into());
            }
        }
        let keyring = Keyring::new("1", EncryptionKey::random())?;
        self.wait("", self.keychain.write(&keyring)).await
    }

    async fn remove(&self) -> Result<(), BoxError> {
        self.wait("", self.keychain.remove()).await
    }

    /// Waits for the keychain. `remedy` says how a missing entry comes to be.
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
            misconfigured(format!(
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
            error => format!("the entry `{name}` of the keychain: {}", causes(error)),
        };
        misconfigured(text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyring_core::{CredentialStore, Error, mock};

    use super::*;
    use crate::exit::Exit;

    /// An entry in a keychain of this test, and as the system sees it.
    fn entry(name: &str) -> (Entry, keyring_core::Entry) {
        let store: Arc<CredentialStore> = mock::Store::new().unwrap();
        let system = store.build(SERVICE, name, None).unwrap();
        let keychain = Keychain::new(SERVICE, name).in_store(store);
        let name = name.to_owned();
        (Entry { name, keychain }, system)
    }

    fn assert_problem<T>(result: Result<T, BoxError>, words: &[&str]) {
        let error = result.err().unwrap();
        assert_eq!(Exit::of(&*error), Exit::Configuration, "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    }

    #[tokio::test]
    async fn a_drawn_key_is_read_and_never_replaced() {
        let (entry, _) = entry(KEYS);
        assert_problem(
            entry.keyring().await,
            &[
                "no entry `keys` of `tokenkeeper`",
                "tokenkeeper keychain draw keys",
            ],
        );
        entry.draw().await.unwrap();
        let drawn = entry.keyring().await.unwrap();
        assert_problem(entry.draw().await, &["stays as it is"]);
        let read = entry.keyring().await.unwrap();
        let bytes = |keyring: &Keyring| keyring.keys().map(|key| *key.expose()).collect::<Vec<_>>();
        assert_eq!(bytes(&read), bytes(&drawn));
    }

    #[tokio::test]
    async fn a_secret_is_written_read_and_removed() {
        let (entry, _) = entry("github");
        assert_problem(
            entry.secret().await,
            &[
                "no entry `github`",
                "`tokenkeeper keychain set github` writes it",
            ],
        );
        assert_problem(entry.write(Zeroizing::default()).await, &["is empty"]);
        let secret = Zeroizing::new("s3cret".to_owned());
        entry.write(secret.clone()).await.unwrap();
        assert_eq!(entry.secret().await.unwrap(), secret);
        entry.remove().await.unwrap();
        assert_problem(entry.remove().await, &["no entry `github`"]);
    }

    #[tokio::test]
    async fn a_keychain_that_fails_is_named_with_the_remedy() {
        let (entry, system) = entry("github");
        let fail = |error: Error| {
            let credential: &mock::Cred = system.as_any().downcast_ref().unwrap();
            credential.set_error(error);
        };
        fail(Error::NoStorageAccess("locked".into()));
        assert_problem(entry.secret().await, &["`github`", "locked", "unlock it"]);
        fail(Error::PlatformFailure("no session bus".into()));
        assert_problem(
            entry.secret().await,
            &["cannot be reached", "in a file", "no session bus"],
        );
        fail(Error::PlatformFailure("no session bus".into()));
        assert_problem(entry.draw().await, &["cannot be reached"]);
    }
}
