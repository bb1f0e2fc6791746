//! The suite over correct stores, the rule about forwarding, and what a subject declares.

use std::sync::Arc;

use async_trait::async_trait;
use tokenkeeper_store::conformance::{self as rules, Subject, forwards_every_method};
use tokenkeeper_store::{
    Encrypted, Entry, Filter, Key, Keyring, Outcome, StoreError, TokenStore, Version,
};

use crate::simple_store::SimpleStore;

tokenkeeper_store::conformance!(mod plain, encrypted, with_the_defaults, encrypted_behind_arc_dyn);

async fn plain() -> Subject {
    in_memory(SimpleStore::default())
}

async fn encrypted() -> Subject {
    in_memory(Encrypted::new(SimpleStore::default(), keyring()))
}

async fn encrypted_behind_arc_dyn() -> Subject {
    let below: Arc<dyn TokenStore> = Arc::new(SimpleStore::default());
    let store: Arc<dyn TokenStore> = Arc::new(Encrypted::new(below, keyring()));
    in_memory(store)
}

/// A store without listing and watching.
async fn with_the_defaults() -> Subject {
    Subject::new(forgetful()).without_cutter()
}

/// A subject that lists.
fn in_memory(store: impl TokenStore) -> Subject {
    Subject::new(store).must_list().without_cutter()
}

fn forgetful() -> Forgetful {
    Forgetful(Arc::new(SimpleStore::default()))
}

fn keyring() -> Keyring {
    Keyring::new("test", [7; 32]).expect("a valid id")
}

#[tokio::test]
async fn arc_forwards_every_method() {
    forwards_every_method(|store| Arc::new(store))
        .await
        .unwrap();
    forwards_every_method(|store| Arc::new(Arc::new(Arc::new(store))))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_encrypting_decorator_forwards_every_method() {
    forwards_every_method(|store| Arc::new(Encrypted::new(store, keyring())))
        .await
        .unwrap();
    forwards_every_method(|store| Arc::new(Arc::new(Encrypted::new(Arc::new(store), keyring()))))
        .await
        .unwrap();
}

/// Forgets the methods that have a default.
#[derive(Debug)]
struct Forgetful(Arc<dyn TokenStore>);

#[async_trait]
impl TokenStore for Forgetful {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.0.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.0.put(key, entry, expected).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.0.delete(key, expected).await
    }
}

#[tokio::test]
async fn a_decorator_that_forgets_a_method_is_found() {
    let violation = forwards_every_method(|store| Arc::new(Forgetful(store)))
        .await
        .unwrap_err();
    assert!(
        violation.to_string().contains("does not support listing"),
        "{violation}"
    );
}

#[tokio::test]
async fn by_default_nothing_is_listed_or_watched() {
    let store = forgetful();
    let error = store.list(Filter::All, None, 10).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Unsupported("listing")),
        "{error:?}"
    );
    assert!(store.check_health().await.is_ok());
    assert!(store.watch().is_none());
}

#[tokio::test]
async fn a_subject_must_keep_its_declarations() {
    use rules::{listing_unsupported_is_a_typed_error, watcher_receives_a_change};
    let subject = || Subject::new(forgetful());
    assert!(
        listing_unsupported_is_a_typed_error(subject())
            .await
            .is_ok()
    );
    assert!(
        listing_unsupported_is_a_typed_error(subject().must_list())
            .await
            .is_err()
    );
    assert!(watcher_receives_a_change(subject()).await.is_ok());
    assert!(
        watcher_receives_a_change(subject().must_watch())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_subject_that_declares_no_cutter_fails_one_rule() {
    let violation = rules::cutter_is_declared(forgetful().into())
        .await
        .unwrap_err();
    assert!(violation.to_string().contains("with_cutter"), "{violation}");
    rules::lost_answer_to_a_put_is_ambiguous(forgetful().into())
        .await
        .unwrap();
}

// A rule that is not in the macro would never run.
#[test]
fn the_macro_names_every_rule() {
    let rules = concat!(
        include_str!("../../src/conformance/claims.rs"),
        include_str!("../../src/conformance/connections.rs"),
        include_str!("../../src/conformance/due.rs"),
        include_str!("../../src/conformance/expiry.rs"),
        include_str!("../../src/conformance/listing.rs"),
        include_str!("../../src/conformance/races.rs"),
        include_str!("../../src/conformance/values.rs"),
        include_str!("../../src/conformance/watching.rs"),
        include_str!("../../src/conformance/writes.rs"),
    );
    let names = rules
        .lines()
        .filter_map(|line| line.strip_prefix("pub async fn ")?.split_once('('));
    let in_macro = include_str!("../../src/conformance/mod.rs")
        .split_once("macro_rules!")
        .unwrap()
        .1;
    let listed: Vec<&str> = in_macro.lines().map(str::trim).collect();
    let mut count = 0;
    for (name, _) in names {
        assert!(listed.contains(&name), "{name}");
        count += 1;
    }
    assert!(count >= 51, "{count}");
}
