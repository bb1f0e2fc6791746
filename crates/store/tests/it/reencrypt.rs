//! Entries under an old key are moved under the current one, next to other writers.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tokenkeeper_store::{
    Cursor, Encrypted, Entry, Filter, Key, Keyring, Outcome, Page, StoreError, TokenStore, Version,
};

use crate::simple_store::SimpleStore;
use crate::{entry, key};

fn old() -> Keyring {
    Keyring::new("old", [1; 32]).expect("a valid id")
}

fn new() -> Keyring {
    Keyring::new("new", [2; 32]).expect("a valid id")
}

fn both() -> Keyring {
    new().with_old("old", [1; 32]).expect("a valid id")
}

async fn fill(store: &impl TokenStore, names: impl IntoIterator<Item = String>) {
    for name in names {
        let value = entry("value")
            .with_due(UNIX_EPOCH + Duration::from_secs(5))
            .with_keep_until(UNIX_EPOCH + Duration::from_secs(1 << 40))
            .with_attention(true);
        let put = store
            .put(&key(&name), &value, None)
            .await
            .expect("no failure");
        assert_eq!(put, Outcome::Applied);
    }
}

#[tokio::test]
async fn the_old_key_is_no_longer_needed() {
    let plain = SimpleStore::default();
    fill(
        &Encrypted::new(plain.clone(), old()),
        (0..1201).map(|n| format!("old-{n}")),
    )
    .await;
    fill(
        &Encrypted::new(plain.clone(), both()),
        ["new".to_owned(), "newer".to_owned()],
    )
    .await;
    let store = Encrypted::new(plain.clone(), both());
    let before = store.get(&key("old-7")).await.unwrap().unwrap();

    let done = store.reencrypt().await.unwrap();
    assert_eq!((done.moved, done.current), (1201, 2));
    assert!(done.left.is_empty());

    let store = Encrypted::new(plain, new());
    let mut after = store.get(&key("old-7")).await.unwrap().unwrap();
    // The version differs, so that old and new bytes are told apart; everything else stays.
    assert_ne!(after.version, before.version);
    after.version = before.version;
    assert_eq!(after, before);
    let again = store.reencrypt().await.unwrap();
    assert_eq!((again.moved, again.current), (0, 1203));
}

#[tokio::test]
async fn undecryptable_entries_are_named_and_left() {
    let plain = SimpleStore::default();
    fill(
        &Encrypted::new(plain.clone(), old()),
        ["a".to_owned(), "c".to_owned()],
    )
    .await;
    let lost = Encrypted::new(plain.clone(), Keyring::new("lost", [3; 32]).unwrap());
    fill(&lost, ["b".to_owned()]).await;
    fill(&plain, ["d".to_owned()]).await;
    let bytes = plain.get(&key("b")).await.unwrap();

    let done = Encrypted::new(plain.clone(), both())
        .reencrypt()
        .await
        .unwrap();
    assert_eq!(done.moved, 2);
    assert_eq!(done.left, [key("b"), key("d")]);
    assert_eq!(plain.get(&key("b")).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_store_without_listing_is_an_error() {
    let store = Encrypted::new(InterferingStore::new(Interference::NoListing), both());
    let error = store.reencrypt().await.unwrap_err();
    assert!(matches!(error, StoreError::Unsupported(_)), "{error:?}");
}

#[tokio::test]
async fn a_concurrent_write_is_kept() {
    let below = InterferingStore::new(Interference::WritesFirst(both()));
    let plain = below.inner.clone();
    fill(&Encrypted::new(plain.clone(), old()), ["a".to_owned()]).await;
    let done = Encrypted::new(below, both()).reencrypt().await.unwrap();
    assert_eq!((done.moved, done.current), (0, 1));
    let there = Encrypted::new(plain, new()).get(&key("a")).await.unwrap();
    assert_eq!(there.unwrap().value, "meanwhile");
}

#[tokio::test]
async fn a_write_by_a_process_with_the_old_keyring_is_moved_too() {
    let below = InterferingStore::new(Interference::WritesFirst(old()));
    let plain = below.inner.clone();
    fill(&Encrypted::new(plain.clone(), old()), ["a".to_owned()]).await;
    let done = Encrypted::new(below, both()).reencrypt().await.unwrap();
    assert_eq!((done.moved, done.current), (1, 0));
    let there = Encrypted::new(plain, new()).get(&key("a")).await.unwrap();
    assert_eq!(there.unwrap().value, "meanwhile");
}

#[tokio::test]
async fn a_write_with_a_lost_answer_is_found_by_its_version() {
    let below = InterferingStore::new(Interference::LosesAnswer);
    let plain = below.inner.clone();
    fill(&Encrypted::new(plain.clone(), old()), ["a".to_owned()]).await;
    let done = Encrypted::new(below, both()).reencrypt().await.unwrap();
    assert_eq!((done.moved, done.current), (1, 0));
    assert!(
        Encrypted::new(plain, new())
            .get(&key("a"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn an_entry_that_is_removed_meanwhile_is_not_put_back() {
    let below = InterferingStore::new(Interference::RemovesFirst);
    let plain = below.inner.clone();
    fill(&Encrypted::new(plain.clone(), old()), ["a".to_owned()]).await;
    let done = Encrypted::new(below, both()).reencrypt().await.unwrap();
    assert_eq!((done.moved, done.current), (0, 1));
    assert_eq!(plain.get(&key("a")).await.unwrap(), None);
}

/// What happens between the read and the first write.
#[derive(Debug)]
enum Interference {
    NoListing,
    WritesFirst(Keyring),
    RemovesFirst,
    LosesAnswer,
}

#[derive(Debug)]
struct InterferingStore {
    inner: SimpleStore,
    interference: Mutex<Option<Interference>>,
}

impl InterferingStore {
    fn new(interference: Interference) -> Self {
        Self {
            inner: SimpleStore::default(),
            interference: Mutex::new(Some(interference)),
        }
    }
}

#[async_trait]
impl TokenStore for InterferingStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let interference = self.interference.lock().expect("no panic").take();
        match interference {
            Some(Interference::WritesFirst(keyring)) => {
                let other = Encrypted::new(self.inner.clone(), keyring);
                let outcome = other.put(key, &self::entry("meanwhile"), expected).await?;
                assert_eq!(outcome, Outcome::Applied);
            }
            Some(Interference::RemovesFirst) => {
                let _ = self
                    .inner
                    .delete(key, expected.expect("there is one"))
                    .await?;
            }
            Some(Interference::LosesAnswer) => {
                let _ = self.inner.put(key, entry, expected).await?;
                return Err(StoreError::ambiguous("answer lost"));
            }
            Some(Interference::NoListing) | None => {}
        }
        self.inner.put(key, entry, expected).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.inner.delete(key, expected).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if matches!(
            *self.interference.lock().expect("no panic"),
            Some(Interference::NoListing)
        ) {
            return Err(StoreError::Unsupported("listing"));
        }
        self.inner.list(filter, cursor, limit).await
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.inner.claim(keys, now, lasting).await
    }
}
