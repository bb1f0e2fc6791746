use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keyring_core::{CredentialStore, Error, mock};

use super::*;
use crate::{exit::Exit, keychain::KEYS};

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
