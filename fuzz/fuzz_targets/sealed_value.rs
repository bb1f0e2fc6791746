//! A value in an encrypted store opens only if it was sealed for its place.
#![no_main]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use tokenkeeper_store::{
    Encrypted, EncryptionKey, Entry, Key, KeyService, KeyServiceError, Keyring, Keys, Outcome,
    StoreError, TokenStore, Version, WrappedKey,
};

fuzz_target!(|input: (&[u8], &[u8], u16, u8)| {
    let (planted, plain, at, flips) = input;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let keyring = || Keyring::new("a", [7; 32]).expect("a valid id");
        check(keyring().into(), 2, planted, plain, (at, flips)).await;
        let service = || Keys::from_service(KnownKey);
        check(
            service().with_old(keyring()),
            3,
            planted,
            plain,
            (at, flips),
        )
        .await;
    });
});

async fn check(keys: Keys, format: u8, planted: &[u8], plain: &[u8], (at, flips): (u16, u8)) {
    let below = Arc::new(OneEntry::default());
    let store = Encrypted::new(below.clone(), keys);
    let key = Key::new("brand", "https://provider.example", "client", "jane").expect("valid");
    let version = Version::from_bytes([9; 16]);
    // As it comes, and behind heads that name our keys.
    let head = [&[0x9e, b't', b'k', format, 1, b'a'], planted].concat();
    let wrapped = [&[0x9e, b't', b'k', 3, 1, b'a', 0, 1, 1], planted].concat();
    for value in [planted, &head, &wrapped] {
        below.plant(Entry::new(version, value.to_vec()));
        assert!(store.get(&key).await.is_err(), "nothing was sealed");
    }
    let entry = Entry::new(version, plain.to_vec());
    let put = store.put(&key, &entry, None).await;
    assert!(put.expect("no failure").is_applied());
    let read = store.get(&key).await.expect("it was sealed");
    assert_eq!(read, Some(entry));
    let mut value = below.entry().expect("it was written").value.to_vec();
    let at = usize::from(at) % value.len();
    value[at] ^= flips;
    below.plant(Entry::new(version, value));
    assert_eq!(store.get(&key).await.is_err(), flips != 0);
}

/// A store that keeps the last entry, whatever its key.
#[derive(Debug, Default)]
struct OneEntry(Mutex<Option<Entry>>);

impl OneEntry {
    fn plant(&self, entry: Entry) {
        *self.0.lock().expect("no panic") = Some(entry);
    }

    fn entry(&self) -> Option<Entry> {
        self.0.lock().expect("no panic").clone()
    }
}

#[async_trait]
impl TokenStore for OneEntry {
    async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.entry())
    }

    async fn put(&self, _: &Key, entry: &Entry, _: Option<Version>) -> Result<Outcome, StoreError> {
        self.plant(entry.clone());
        Ok(Outcome::Applied)
    }

    async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
        Ok(Outcome::Applied)
    }
}

/// A service whose wrapped keys are a mark and the key: the worst that an attacker can know.
#[derive(Debug)]
struct KnownKey;

#[async_trait]
impl KeyService for KnownKey {
    async fn wrap_key(&self, key: &EncryptionKey) -> Result<WrappedKey, KeyServiceError> {
        WrappedKey::new("a", [&[1], &key.expose()[..]].concat())
    }

    async fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<EncryptionKey, KeyServiceError> {
        let key = wrapped.bytes().strip_prefix(&[1]);
        let key = key.ok_or_else(|| KeyServiceError::invalid("not ours"))?;
        EncryptionKey::try_from(key).map_err(KeyServiceError::invalid)
    }
}
