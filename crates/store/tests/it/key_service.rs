//! Entries with a wrapped data key each, and a key service that fails.

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use tokenkeeper_store::{
    Advice, Encrypted, EncryptionKey, Entry, KeyService, KeyServiceError, Keyring, Keys, Outcome,
    StoreError, TokenStore, Version, WrappedKey,
};

use crate::simple_store::SimpleStore;
use crate::{entry, key};

const FORMAT_AT: usize = 3;

/// What the stand-in does with a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Works,
    IsDown,
    Hangs,
    Refuses,
}

/// A key service in memory.
#[derive(Clone, Debug)]
struct StandIn(Arc<State>);

#[derive(Debug)]
struct State {
    mood: Mutex<Mood>,
    /// The keys by id; the last one wraps.
    keys: RwLock<Vec<(&'static str, EncryptionKey)>>,
    calls: AtomicUsize,
}

impl StandIn {
    fn new() -> Self {
        Self(Arc::new(State {
            mood: Mutex::new(Mood::Works),
            keys: RwLock::new(vec![("kms-1", EncryptionKey::random())]),
            calls: AtomicUsize::new(0),
        }))
    }

    fn set(&self, mood: Mood) {
        *self.0.mood.lock().expect("no panic") = mood;
    }

    fn rotate(&self, id: &'static str) {
        let mut keys = self.0.keys.write().expect("no panic");
        keys.push((id, EncryptionKey::random()));
    }

    fn destroy(&self, id: &str) {
        let mut keys = self.0.keys.write().expect("no panic");
        keys.retain(|(there, _)| *there != id);
    }

    /// The number of calls since the last time.
    fn calls(&self) -> usize {
        self.0.calls.swap(0, Ordering::Relaxed)
    }

    async fn answer(&self) -> Result<(), KeyServiceError> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let mood = *self.0.mood.lock().expect("no panic");
        match mood {
            Mood::Works => Ok(()),
            Mood::IsDown => Err(KeyServiceError::unavailable("connection refused")),
            Mood::Hangs => std::future::pending().await,
            Mood::Refuses => Err(KeyServiceError::refused("AccessDenied")),
        }
    }

    fn cipher(&self, id: &str) -> Option<XChaCha20Poly1305> {
        let keys = self.0.keys.read().expect("no panic");
        let (_, key) = keys.iter().find(|(there, _)| *there == id)?;
        Some(XChaCha20Poly1305::new(key.expose().into()))
    }
}

#[async_trait]
impl KeyService for StandIn {
    async fn wrap_key(&self, key: &EncryptionKey) -> Result<WrappedKey, KeyServiceError> {
        self.answer().await?;
        let (id, _) = *self.0.keys.read().expect("no panic").last().expect("a key");
        let mut wrapped = EncryptionKey::random().expose()[..24].to_vec();
        let nonce = XNonce::try_from(&wrapped[..]).expect("24 bytes");
        let cipher = self.cipher(id).expect("it is there");
        wrapped.extend(cipher.encrypt(&nonce, &key.expose()[..]).expect("short"));
        WrappedKey::new(id, wrapped)
    }

    async fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<EncryptionKey, KeyServiceError> {
        self.answer().await?;
        let invalid = || KeyServiceError::invalid("no such key, or damaged");
        let cipher = self.cipher(wrapped.key_id()).ok_or_else(invalid)?;
        let (nonce, bytes) = wrapped.bytes().split_at_checked(24).ok_or_else(invalid)?;
        let nonce = XNonce::try_from(nonce).expect("24 bytes");
        let key = cipher.decrypt(&nonce, bytes).map_err(|_| invalid())?;
        EncryptionKey::try_from(&key[..]).map_err(KeyServiceError::invalid)
    }
}

/// A process over the same store and service.
fn process(plain: &SimpleStore, service: &StandIn) -> Encrypted<SimpleStore> {
    Encrypted::new(plain.clone(), Keys::from_service(service.clone()))
}

async fn put(store: &impl TokenStore, name: &str, next: &Entry, expected: Option<Version>) {
    let outcome = store
        .put(&key(name), next, expected)
        .await
        .expect("no failure");
    assert_eq!(outcome, Outcome::Applied);
}

fn kept(plain: &SimpleStore, name: &str) -> Entry {
    plain.entries.lock().expect("no panic")[&key(name)].clone()
}

fn plant(plain: &SimpleStore, name: &str, value: Entry) {
    plain
        .entries
        .lock()
        .expect("no panic")
        .insert(key(name), value);
}

fn service_error(error: &StoreError) -> &KeyServiceError {
    let source = error.source().expect("a source");
    source.downcast_ref().expect("an error of the service")
}

#[tokio::test]
async fn each_entry_has_a_data_key_of_its_own() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let store = process(&plain, &service);
    let (a, b) = (entry("refresh-token-of-a"), entry("refresh-token-of-b"));
    put(&store, "a", &a, None).await;
    put(&store, "b", &b, None).await;
    assert_eq!(service.calls(), 2);
    // Another process needs the service once for each.
    let other = process(&plain, &service);
    for _ in 0..3 {
        assert_eq!(other.get(&key("a")).await.unwrap(), Some(a.clone()));
        assert_eq!(other.get(&key("b")).await.unwrap(), Some(b.clone()));
    }
    assert_eq!(service.calls(), 2);
    for name in ["a", "b"] {
        let value = kept(&plain, name).value;
        assert_eq!(value[FORMAT_AT], 3);
        let shown = String::from_utf8_lossy(&value);
        assert!(shown.contains("kms-1") && !shown.contains("refresh"));
    }
    // The data key of one entry does not open another, even in its place.
    plant(&plain, "b", kept(&plain, "a"));
    let error = process(&plain, &service).get(&key("b")).await.unwrap_err();
    assert!(matches!(error, StoreError::Undecryptable { .. }));
}

#[tokio::test]
async fn an_answer_is_written_while_the_key_service_is_down() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let first = entry("tokens");
    put(&process(&plain, &service), "a", &first, None).await;
    for mood in [Mood::IsDown, Mood::Hangs, Mood::Refuses] {
        service.set(Mood::Works);
        let store = process(&plain, &service);
        let there = store.get(&key("a")).await.unwrap().expect("an entry");
        let (attempt, answer) = (entry("attempt"), entry("new tokens"));
        put(&store, "a", &attempt, Some(there.version)).await;
        service.set(mood);
        service.calls();
        put(&store, "a", &answer, Some(attempt.version)).await;
        assert_eq!(store.get(&key("a")).await.unwrap(), Some(answer));
        assert_eq!(service.calls(), 0, "nothing stands before the write");
    }
}

#[tokio::test]
async fn a_login_is_written_while_the_key_service_is_down() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let store = process(&plain, &service);
    let (claim, tokens) = (entry("login in flight"), entry("tokens"));
    put(&store, "a", &claim, None).await;
    service.set(Mood::IsDown);
    put(&store, "a", &tokens, Some(claim.version)).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_service_that_is_down_at_start_is_awaited() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let there = entry("tokens");
    put(&process(&plain, &service), "a", &there, None).await;
    let sealed = kept(&plain, "a");
    for mood in [Mood::IsDown, Mood::Hangs] {
        service.set(mood);
        let store = process(&plain, &service);
        let next = entry("next");
        for error in [
            store.get(&key("a")).await.unwrap_err(),
            store.put(&key("a"), &next, None).await.unwrap_err(),
            store.put(&key("new"), &next, None).await.unwrap_err(),
            store
                .put(&key("a"), &next, Some(there.version))
                .await
                .unwrap_err(),
            store.check_health().await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            assert!(error.is_transient() && error.advice() == Advice::Retry);
            assert!(!error.is_of_one_entry(), "nothing may replace it");
            let shown = service_error(&error).to_string();
            assert!(shown.contains("try again later"), "{shown}");
        }
        assert_eq!(kept(&plain, "a"), sealed, "nothing was overwritten");
        assert_eq!(plain.entries.lock().unwrap().len(), 1);
        service.set(Mood::Works);
        assert_eq!(store.get(&key("a")).await.unwrap(), Some(there.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn reads_go_on_while_the_key_service_is_down() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let (a, b) = (entry("a"), entry("b"));
    put(&process(&plain, &service), "a", &a, None).await;
    put(&process(&plain, &service), "b", &b, None).await;
    let store = process(&plain, &service);
    store.get(&key("a")).await.unwrap();
    service.set(Mood::Hangs);
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(a));
    let waits = tokio::time::Instant::now();
    let error = store.get(&key("b")).await.unwrap_err();
    let timed_out = matches!(service_error(&error), KeyServiceError::TimedOut { .. });
    assert!(timed_out, "{error:?}");
    assert_eq!(waits.elapsed(), Duration::from_secs(2));
}

#[tokio::test]
async fn a_service_that_refuses_is_a_configuration_error() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    put(&process(&plain, &service), "a", &entry("tokens"), None).await;
    service.set(Mood::Refuses);
    let store = process(&plain, &service);
    let error = store.get(&key("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Keys { .. }), "{error:?}");
    assert_eq!(error.advice(), Advice::FixConfiguration);
    assert!(!error.is_transient() && !error.is_of_one_entry());
    assert!(service_error(&error).to_string().contains("rights"));
}

#[tokio::test]
async fn a_wrapping_key_that_is_gone_concerns_its_entries_alone() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let (old, new) = (entry("old"), entry("new"));
    put(&process(&plain, &service), "old", &old, None).await;
    service.rotate("kms-2");
    put(&process(&plain, &service), "new", &new, None).await;
    service.destroy("kms-1");
    let store = process(&plain, &service);
    let error = store.get(&key("old")).await.unwrap_err();
    let gone = matches!(&error, StoreError::Undecryptable { key_id, .. } if key_id == "kms-1");
    assert!(gone && error.is_of_one_entry(), "{error:?}");
    assert_eq!(store.get(&key("new")).await.unwrap(), Some(new));
}

#[tokio::test]
async fn any_damaged_byte_of_a_wrapped_value_is_an_error() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    put(&process(&plain, &service), "a", &entry("value"), None).await;
    let sealed = kept(&plain, "a");
    // One that has the data key cached, and one that must ask.
    let (cached, new) = (process(&plain, &service), process(&plain, &service));
    cached.get(&key("a")).await.unwrap();
    for at in 0..sealed.value.len() {
        let mut value = sealed.value.to_vec();
        value[at] ^= 1;
        plant(&plain, "a", Entry::new(sealed.version, value));
        assert!(cached.get(&key("a")).await.is_err(), "byte {at}");
        assert!(new.get(&key("a")).await.is_err(), "byte {at}");
        let cut = sealed.value.slice(..at);
        plant(&plain, "a", Entry::new(sealed.version, cut));
        assert!(cached.get(&key("a")).await.is_err(), "cut at {at}");
    }
    plant(&plain, "a", sealed);
    assert!(new.get(&key("a")).await.is_ok());
}

#[tokio::test]
async fn entries_move_from_a_keyring_to_a_service_and_back() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let ring = || Keyring::new("2026-02", [1; 32]).expect("a valid id");
    let by_ring = Encrypted::new(plain.clone(), ring());
    for name in ["a", "b", "c"] {
        put(&by_ring, name, &entry("tokens"), None).await;
    }
    let both = Keys::from_service(service.clone()).with_old(ring());
    let both = Encrypted::new(plain.clone(), both);
    let a = both.get(&key("a")).await.unwrap().expect("an entry");
    let next = entry("next");
    put(&both, "a", &next, Some(a.version)).await;
    let format = |name: &str| kept(&plain, name).value[FORMAT_AT];
    assert_eq!(
        [format("a"), format("b")],
        [3, 2],
        "the next write moves it"
    );
    let done = both.reencrypt().await.unwrap();
    assert_eq!((done.moved, done.current, done.left.len()), (2, 1, 0));
    let by_service = process(&plain, &service);
    for name in ["a", "b", "c"] {
        assert_eq!(format(name), 3);
        assert!(by_service.get(&key(name)).await.unwrap().is_some());
    }
    let again = both.reencrypt().await.unwrap();
    assert_eq!((again.moved, again.current), (0, 3));

    let back = Keys::from(ring()).with_old(Keys::from_service(service.clone()));
    let done = Encrypted::new(plain.clone(), back)
        .reencrypt()
        .await
        .unwrap();
    assert_eq!((done.moved, done.left.len()), (3, 0));
    assert!(by_ring.get(&key("c")).await.unwrap().is_some());
    assert_eq!(by_ring.get(&key("a")).await.unwrap().unwrap().value, "next");
}

#[tokio::test]
async fn a_rotated_wrapping_key_is_left_behind_by_reencryption() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let store = process(&plain, &service);
    put(&store, "a", &entry("tokens"), None).await;
    service.rotate("kms-2");
    let there = store.get(&key("a")).await.unwrap().expect("an entry");
    put(&store, "a", &entry("next"), Some(there.version)).await;
    let done = store.reencrypt().await.unwrap();
    assert_eq!((done.moved, done.left.len()), (1, 0));
    service.destroy("kms-1");
    let read = process(&plain, &service).get(&key("a")).await.unwrap();
    assert_eq!(read.unwrap().value, "next");
}

#[tokio::test]
async fn reencryption_stops_while_the_service_is_down() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let ring = Keyring::new("2026-02", [1; 32]).expect("a valid id");
    put(
        &Encrypted::new(plain.clone(), ring.clone()),
        "a",
        &entry("tokens"),
        None,
    )
    .await;
    let sealed = kept(&plain, "a");
    service.set(Mood::IsDown);
    let both = Encrypted::new(plain.clone(), Keys::from_service(service).with_old(ring));
    let error = both.reencrypt().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(kept(&plain, "a"), sealed);
}

#[tokio::test]
async fn a_removed_entry_leaves_no_data_key_behind() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let store = process(&plain, &service);
    let there = entry("tokens");
    put(&store, "a", &there, None).await;
    let _ = store.delete(&key("a"), there.version).await.unwrap();
    service.calls();
    put(&store, "a", &entry("again"), None).await;
    assert_eq!(service.calls(), 1);
}

#[tokio::test]
async fn cached_data_keys_have_a_bound() {
    let (plain, service) = (SimpleStore::default(), StandIn::new());
    let keys = Keys::from_service(service.clone()).with_cached_data_keys(4);
    let store = Encrypted::new(plain.clone(), keys);
    for n in 0..20 {
        put(&store, &n.to_string(), &entry("tokens"), None).await;
    }
    service.calls();
    store.get(&key("19")).await.unwrap();
    assert_eq!(service.calls(), 0);
    store.get(&key("0")).await.unwrap();
    assert_eq!(service.calls(), 1);
}

#[test]
fn a_wrapped_key_that_no_entry_can_hold_is_refused() {
    assert!(WrappedKey::new("", b"w".as_slice()).is_err());
    assert!(WrappedKey::new(&"i".repeat(256), b"w".as_slice()).is_err());
    assert!(WrappedKey::new("i", vec![0; WrappedKey::MAX_BYTES + 1]).is_err());
    assert!(WrappedKey::new(&"i".repeat(255), vec![0; WrappedKey::MAX_BYTES]).is_ok());
}
