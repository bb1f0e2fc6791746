//! The operating system's keychain: `tokenkeeper keychain`, and the entries that a configuration
//! names.

use std::{fs::File, path::Path, process::ExitCode, time::Duration};

use clap::Subcommand;
use serde_json::json;
use tokenkeeper::store::{EncryptionKey, KeySource as _, Keychain, Keyring, KeyringError};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    BoxError,
    app::{create_private_folder, new_key_id},
    causes, config,
    exit::{Exited, interrupted, misconfigured, unavailable},
    global::Global,
    output, progress, secret,
    signal::{Signals, interruptible},
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
    /// The terminal asks for it, and does not show it. Keys of a store are replaced only by keys
    /// that include them, as a rotation needs.
    ///
    /// Example: tokenkeeper keychain set github
    Set {
        /// The name of the entry.
        name: String,
        /// Read the secret from stdin.
        #[arg(long)]
        stdin: bool,
        /// Replace keys of a store: what they encrypt is lost.
        #[arg(long)]
        force: bool,
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
        /// Remove keys of a store: what they encrypt is lost.
        #[arg(long)]
        force: bool,
    },
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    // A keychain may wait for a person, who may press Ctrl-C instead.
    let mut signals = Signals::listen()?;
    let (name, done) = tokio::select! {
        done = change(arguments.command) => done?,
        exit = signals.received() => return Err(interrupted(exit)),
    };
    if global.json {
        output::json(&json!({ "entry": name, "state": done }))?;
    } else {
        output::note(&format!("The entry `{name}` is {done}."));
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes an entry. Returns its name and what is done.
async fn change(command: Command) -> Result<(String, &'static str), BoxError> {
    Ok(match command {
        Command::Set { name, stdin, force } => {
            let secret = if stdin {
                secret::from_stdin("--stdin").await?
            } else {
                secret::ask("Secret: ", "use --stdin").await?
            };
            Entry::new(&name).write(secret, force).await?;
            (name, "written")
        }
        Command::Draw { name } => {
            Entry::new(&name).draw(&config::data_folder()?).await?;
            (name, "written")
        }
        Command::Remove { name, force } => {
            Entry::new(&name).remove(force).await?;
            (name, "removed")
        }
    })
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
    async fn write(&self, secret: Zeroizing<String>, force: bool) -> Result<(), BoxError> {
        if secret.is_empty() {
            return Err(misconfigured("the secret is empty, so nothing was written").into());
        }
        if !force {
            self.refuse_to_lose_keys(Some(&secret)).await?;
        }
        self.wait("", self.keychain.write_secret(secret)).await
    }

    /// Removes the entry. With `force` it also removes keys of a store.
    async fn remove(&self, force: bool) -> Result<(), BoxError> {
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
    async fn draw(&self, folder: &Path) -> Result<(), BoxError> {
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
    let keys = |keyring: &'_ Keyring| {
        let keys = keyring.ids().zip(keyring.keys());
        keys.map(|(id, key)| (id.to_owned(), key.clone()))
            .collect::<Vec<_>>()
    };
    let new = keys(new);
    keys(old).iter().all(|(id, key)| {
        let mut new = new.iter();
        new.any(|(new_id, new_key)| new_id == id && new_key.expose() == key.expose())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::{Engine as _, engine::general_purpose::STANDARD};
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

    fn assert_problem<T>(result: Result<T, BoxError>, exit: Exit, words: &[&str]) {
        let error = result.err().unwrap();
        assert_eq!(Exit::of(&*error), exit, "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    }

    fn assert_refused<T>(result: Result<T, BoxError>, words: &[&str]) {
        assert_problem(result, Exit::Configuration, words);
    }

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    fn bytes(keyring: &Keyring) -> Vec<[u8; 32]> {
        keyring.keys().map(|key| *key.expose()).collect()
    }

    /// Returns the text of these keyrings' keys.
    fn text(keyrings: &[&Keyring]) -> Zeroizing<String> {
        let mut text = String::new();
        for keyring in keyrings {
            for (id, key) in keyring.ids().zip(keyring.keys()) {
                let key = STANDARD.encode(key.expose());
                text.push_str(&format!("{id}:{key}\n"));
            }
        }
        secret(&text)
    }

    #[tokio::test]
    async fn a_drawn_key_is_read_and_never_replaced() {
        let (entry, _) = entry(KEYS);
        let folder = tempfile::tempdir().unwrap();
        assert_refused(
            entry.keyring().await,
            &[
                "no entry `keys` of `tokenkeeper`",
                "tokenkeeper keychain draw keys",
            ],
        );
        entry.draw(folder.path()).await.unwrap();
        let drawn = entry.keyring().await.unwrap();
        assert_refused(entry.draw(folder.path()).await, &["stays as it is"]);
        let read = entry.keyring().await.unwrap();
        assert_eq!(bytes(&read), bytes(&drawn));
        // Two stores have keys of different ids.
        assert_ne!(read.ids().next(), Some("1"));
    }

    #[tokio::test]
    async fn two_draws_at_once_draw_one_key() {
        let (entry, _) = entry(KEYS);
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = tokio::join!(entry.draw(folder.path()), entry.draw(folder.path()));
        assert!(first.is_ok() != second.is_ok(), "{first:?}, {second:?}");
        assert_refused(first.and(second), &["stays as it is"]);
        assert_eq!(entry.keyring().await.unwrap().keys().count(), 1);
    }

    #[tokio::test]
    async fn keys_of_a_store_are_lost_on_demand_only() {
        let (entry, _) = entry(KEYS);
        let folder = tempfile::tempdir().unwrap();
        entry.draw(folder.path()).await.unwrap();
        let drawn = entry.keyring().await.unwrap();
        let new = Keyring::new("new", EncryptionKey::random()).unwrap();
        for text in [secret("s3cret"), text(&[&new])] {
            let written = entry.write(text, false).await;
            assert_refused(written, &["what they encrypt would be lost", "--force"]);
        }
        assert_refused(entry.remove(false).await, &["--force"]);
        assert_refused(entry.secret().await, &["holds keys of a store"]);
        assert_eq!(bytes(&entry.keyring().await.unwrap()), bytes(&drawn));

        // A rotation keeps the old key behind the new one.
        entry.write(text(&[&new, &drawn]), false).await.unwrap();
        let both = [bytes(&new), bytes(&drawn)].concat();
        assert_eq!(bytes(&entry.keyring().await.unwrap()), both);
        entry.write(text(&[&new]), true).await.unwrap();
        entry.remove(true).await.unwrap();
    }

    #[tokio::test]
    async fn a_secret_is_written_read_and_removed() {
        let (entry, _) = entry("github");
        assert_refused(
            entry.secret().await,
            &[
                "no entry `github`",
                "`tokenkeeper keychain set github` writes it",
            ],
        );
        let empty = entry.write(Zeroizing::default(), false).await;
        assert_refused(empty, &["is empty"]);
        for text in ["s3cret", "another"] {
            entry.write(secret(text), false).await.unwrap();
            assert_eq!(*entry.secret().await.unwrap(), text);
        }
        entry.remove(false).await.unwrap();
        assert_refused(entry.remove(false).await, &["no entry `github`"]);
    }

    #[tokio::test]
    async fn a_keychain_that_fails_is_named_with_the_remedy() {
        let (entry, system) = entry("github");
        let folder = tempfile::tempdir().unwrap();
        let fail = |error: Error| {
            let credential: &mock::Cred = system.as_any().downcast_ref().unwrap();
            credential.set_error(error);
        };
        let later = Exit::Unavailable;
        fail(Error::NoStorageAccess("locked".into()));
        assert_problem(
            entry.secret().await,
            later,
            &["`github`", "locked", "unlock it"],
        );
        let words = &["cannot be reached", "in a file", "no session bus"];
        fail(Error::PlatformFailure("no session bus".into()));
        assert_problem(entry.secret().await, later, words);
        fail(Error::PlatformFailure("no session bus".into()));
        assert_problem(entry.draw(folder.path()).await, later, words);
        fail(Error::PlatformFailure("no session bus".into()));
        assert_problem(entry.remove(false).await, later, words);
        fail(Error::BadEncoding(vec![0xff]));
        assert_refused(entry.secret().await, &["`github`", "not UTF-8"]);
    }
}
