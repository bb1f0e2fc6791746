//! The suite over a plain store, over the encrypting decorator, and the rule about forwarding.

use std::sync::Arc;

use async_trait::async_trait;
use tokenkeeper_store::conformance::forwards_every_method;
use tokenkeeper_store::{
    Encrypted, Entry, Filter, Key, Keyring, Outcome, StoreError, TokenStore, Version,
};

use crate::simple_store::SimpleStore;

mod plain {
    tokenkeeper_store::conformance!(|| async { super::SimpleStore::default() });
}

mod encrypted {
    tokenkeeper_store::conformance!(super::encrypted);
}

// Without listing and watching.
mod with_the_defaults {
    tokenkeeper_store::conformance!(super::with_the_defaults);
}

mod encrypted_behind_arc_dyn {
    tokenkeeper_store::conformance!(super::encrypted_behind_arc_dyn);
}

async fn encrypted() -> Encrypted<SimpleStore> {
    Encrypted::new(SimpleStore::default(), keyring())
}

async fn encrypted_behind_arc_dyn() -> Arc<dyn TokenStore> {
    let below: Arc<dyn TokenStore> = Arc::new(SimpleStore::default());
    Arc::new(Encrypted::new(below, keyring()))
}

async fn with_the_defaults() -> Forgetful {
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
async fn a_decorator_that_forgets_a_method_is_found_out() {
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
    let store = Forgetful(Arc::new(SimpleStore::default()));
    let error = store.list(Filter::All, None, 10).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Unsupported("listing")),
        "{error:?}"
    );
    assert!(store.watch().is_none());
}

// A rule that is written but not in the macro would never run.
#[test]
fn the_macro_names_every_rule() {
    let rules = concat!(
        include_str!("../../src/conformance/listing.rs"),
        include_str!("../../src/conformance/races.rs"),
        include_str!("../../src/conformance/time.rs"),
        include_str!("../../src/conformance/values.rs"),
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
    assert!(count >= 30, "{count}");
}
