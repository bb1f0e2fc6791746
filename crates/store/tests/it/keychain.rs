//! Keys in a keychain, as `keyring-core`'s mock plays one.

use std::sync::Arc;

use keyring_core::{CredentialStore, Error, mock};
use tokenkeeper_store::{
    Encrypted, EncryptionKey, KeySource as _, Keychain, Keyring, KeyringError, Keys, Outcome,
    StoreError, TokenStore as _,
};
use zeroize::Zeroizing;

use crate::simple_store::SimpleStore;
use crate::{entry, key};

/// A keychain, and its entry as the system sees it.
fn keychain() -> (Keychain, keyring_core::Entry) {
    let store: Arc<CredentialStore> = mock::Store::new().expect("in memory");
    let entry = store.build("app", "keys", None).expect("valid names");
    (Keychain::new("app", "keys").in_store(store), entry)
}

/// Makes the next call fail.
fn fail(entry: &keyring_core::Entry, error: Error) {
    let credential: &mock::Cred = entry.as_any().downcast_ref().expect("of the mock");
    credential.set_error(error);
}

fn ring() -> Keyring {
    let ring = Keyring::new("new", EncryptionKey::random()).expect("a valid id");
    ring.with_old("old", EncryptionKey::random())
        .expect("a valid id")
}

#[tokio::test]
async fn a_keychain_gives_the_keys_that_were_written() {
    let (keychain, _) = keychain();
    let written = ring();
    keychain.write(&written).await.unwrap();
    let read = keychain.load().await.unwrap();
    assert!(read.ids().eq(["new", "old"]));
    for (one, other) in read.keys().zip(written.keys()) {
        assert_eq!(one.expose(), other.expose());
    }
    assert_eq!(
        format!("{keychain:?}"),
        r#"Keychain { service: "app", name: "keys", .. }"#
    );
}

#[tokio::test]
async fn a_locked_keychain_is_an_error_until_it_is_unlocked() {
    let (keychain, system) = keychain();
    keychain.write(&ring()).await.unwrap();
    fail(&system, Error::NoStorageAccess("locked".into()));
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), Keys::from_source(keychain.clone()));
    let error = store
        .put(&key("a"), &entry("tokens"), None)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let source = std::error::Error::source(&error)
        .expect("a source")
        .to_string();
    assert!(source.contains("unlock it"), "{source}");
    assert!(
        plain.entries.lock().unwrap().is_empty(),
        "nothing in plain text"
    );
    let _ = keychain.load().await.unwrap();
    let store = Encrypted::new(plain.clone(), Keys::from_source(keychain));
    let put = store.put(&key("a"), &entry("tokens"), None).await;
    assert_eq!(put.unwrap(), Outcome::Applied);
}

#[tokio::test]
async fn each_failure_of_a_keychain_has_its_error() {
    let (keychain, system) = keychain();
    let missing = keychain.load().await.unwrap_err();
    assert!(
        matches!(missing, KeyringError::NoKeychainEntry { .. }),
        "{missing:?}"
    );
    assert!(missing.to_string().contains("Keychain::write"), "{missing}");

    fail(&system, Error::PlatformFailure("no session bus".into()));
    let gone = keychain.load().await.unwrap_err();
    assert!(
        matches!(gone, KeyringError::NoKeychain(_)) && gone.is_transient(),
        "{gone:?}"
    );

    fail(&system, Error::Ambiguous(Vec::new()));
    let several = keychain.load().await.unwrap_err();
    assert!(
        matches!(several, KeyringError::AmbiguousKeychainEntry { .. }),
        "{several:?}"
    );

    let secret = "refresh-of-jane";
    fail(&system, Error::BadEncoding(secret.as_bytes().to_vec()));
    let damaged = keychain.load().await.unwrap_err();
    let shown = format!("{damaged:?} {damaged}");
    assert!(
        matches!(damaged, KeyringError::NotText) && !shown.contains("114, 101"),
        "{shown}"
    );

    system.set_secret(secret.as_bytes()).unwrap();
    let other = keychain.load().await.unwrap_err();
    let shown = format!("{other:?} {other}");
    assert!(
        matches!(other, KeyringError::Item { .. }) && !shown.contains(secret),
        "{shown}"
    );
}

#[tokio::test]
async fn a_keyring_that_fits_in_no_keychain_is_refused() {
    let (keychain, _) = keychain();
    let mut many = ring();
    for n in 0..60 {
        many = many
            .with_old(&n.to_string(), EncryptionKey::random())
            .unwrap();
    }
    let refused = keychain.write(&many).await.unwrap_err();
    assert!(
        matches!(refused, KeyringError::RefusedKeychainEntry { .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn another_secret_is_kept_as_it_is_until_it_is_removed() {
    let (keychain, _) = keychain();
    let secret = || Zeroizing::new(" s3cr\u{e9}t\n".to_owned());
    keychain.write_secret(secret()).await.unwrap();
    assert_eq!(keychain.read_secret().await.unwrap(), secret());
    let long = Zeroizing::new("s".repeat(Keychain::MAX_BYTES + 1));
    let refused = keychain.write_secret(long).await.unwrap_err();
    assert!(
        matches!(refused, KeyringError::RefusedKeychainEntry { .. }),
        "{refused:?}"
    );
    assert_eq!(keychain.read_secret().await.unwrap(), secret());

    keychain.remove().await.unwrap();
    for missing in [
        keychain.read_secret().await.map(drop),
        keychain.remove().await,
    ] {
        assert!(
            matches!(missing, Err(KeyringError::NoKeychainEntry { .. })),
            "{missing:?}"
        );
    }
}
