//! Encrypted entries open only under their key, version and encryption key.

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_store::{Encrypted, Entry, Keyring, Outcome, StoreError, TokenStore, Version};

use crate::simple_store::SimpleStore;
use crate::{entry, key};

const FORMAT_AT: usize = 3;

fn ring(id: &str, byte: u8) -> Keyring {
    Keyring::new(id, [byte; 32]).expect("a valid id")
}

/// Returns the entry in the store below.
async fn below(store: &SimpleStore, name: &str) -> Entry {
    store
        .get(&key(name))
        .await
        .expect("no failure")
        .expect("an entry")
}

/// Replaces the entry in the store below.
async fn plant(store: &SimpleStore, name: &str, entry: &Entry) {
    store
        .entries
        .lock()
        .expect("no panic")
        .insert(key(name), entry.clone());
}

/// The errors of all calls on an entry that cannot be decrypted.
async fn failures(store: &impl TokenStore) -> [StoreError; 4] {
    let (key, next, version) = (key("a"), entry("next"), Version::random());
    [
        store.get(&key).await.expect_err("a failure"),
        store.put(&key, &next, None).await.expect_err("a failure"),
        store
            .put(&key, &next, Some(version))
            .await
            .expect_err("a failure"),
        store.delete(&key, version).await.expect_err("a failure"),
    ]
}

#[tokio::test]
async fn the_store_below_sees_no_plain_text() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    let secret = entry("refresh-token-of-jane").with_attention(true);
    let _ = store.put(&key("jane"), &secret, None).await.unwrap();
    let kept = below(&plain, "jane").await;
    for window in secret.value.windows(4) {
        assert!(!kept.value.windows(4).any(|bytes| bytes == window));
    }
    assert_eq!((kept.version, kept.attention), (secret.version, true));
    assert_eq!(store.get(&key("jane")).await.unwrap(), Some(secret));
    assert!(!format!("{store:?}").contains("[1, 1"), "{store:?}");
}

#[tokio::test]
async fn the_same_entry_is_never_encrypted_to_the_same_bytes() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    let secret = entry("value");
    let _ = store.put(&key("a"), &secret, None).await.unwrap();
    let first = below(&plain, "a").await;
    let _ = store.delete(&key("a"), secret.version).await.unwrap();
    let _ = store.put(&key("a"), &secret, None).await.unwrap();
    assert_ne!(first.value, below(&plain, "a").await.value);
}

#[tokio::test]
async fn a_wrong_key_reads_and_overwrites_nothing() {
    let plain = SimpleStore::default();
    let secret = entry("value");
    let _ = Encrypted::new(plain.clone(), ring("now", 1))
        .put(&key("a"), &secret, None)
        .await
        .unwrap();
    let kept = below(&plain, "a").await;
    // Another key under the same id, and a keyring without that id.
    for wrong in [ring("now", 2), ring("other", 1)] {
        let store = Encrypted::new(plain.clone(), wrong);
        for error in failures(&store).await {
            assert!(
                matches!(&error, StoreError::Undecryptable { key_id, .. } if key_id == "now"),
                "{error:?}"
            );
            assert!(
                error.to_string().contains("nothing was overwritten"),
                "{error}"
            );
        }
        assert_eq!(below(&plain, "a").await, kept);
    }
}

#[tokio::test]
async fn records_that_were_swapped_do_not_open() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    let _ = store.put(&key("a"), &entry("of a"), None).await.unwrap();
    let _ = store.put(&key("b"), &entry("of b"), None).await.unwrap();
    let (a, b) = (below(&plain, "a").await, below(&plain, "b").await);
    plant(&plain, "a", &b).await;
    plant(&plain, "b", &a).await;
    for name in ["a", "b"] {
        let error = store.get(&key(name)).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Undecryptable { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_value_is_bound_to_its_version_times_and_mark() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    let until = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let _ = store
        .put(&key("a"), &entry("value").with_keep_until(until), None)
        .await
        .unwrap();
    let kept = below(&plain, "a").await;
    let mut other_version = kept.clone();
    other_version.version = Version::random();
    let altered = [
        other_version,
        kept.clone()
            .with_keep_until(until + Duration::from_millis(1)),
        kept.clone().with_keep_until(None),
        kept.clone().with_keep_until(UNIX_EPOCH),
        kept.clone().with_due(until),
        kept.clone().with_due(UNIX_EPOCH),
        kept.clone().with_attention(true),
    ];
    for entry in altered {
        plant(&plain, "a", &entry).await;
        let error = store.get(&key("a")).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Undecryptable { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_time_that_was_not_rounded_still_opens() {
    let store = Encrypted::new(SimpleStore::default(), ring("now", 1));
    let mut fine = entry("value");
    fine.keep_until = Some(UNIX_EPOCH + Duration::from_nanos(4_000_000_000_000_000_001));
    let _ = store.put(&key("a"), &fine, None).await.unwrap();
    assert_eq!(
        store.get(&key("a")).await.unwrap().unwrap().value,
        fine.value
    );
}

#[tokio::test]
async fn any_damaged_byte_is_an_error() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    let _ = store.put(&key("a"), &entry("value"), None).await.unwrap();
    let kept = below(&plain, "a").await;
    for at in 0..kept.value.len() {
        let mut value = kept.value.to_vec();
        value[at] ^= 1;
        plant(&plain, "a", &Entry::new(kept.version, value)).await;
        assert!(store.get(&key("a")).await.is_err(), "byte {at}");
        plant(
            &plain,
            "a",
            &Entry::new(kept.version, kept.value.slice(..at)),
        )
        .await;
        assert!(store.get(&key("a")).await.is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn a_rotated_key_still_reads_and_the_new_one_writes() {
    let plain = SimpleStore::default();
    let (old, new) = (ring("old", 1), ring("new", 2));
    let both = ring("new", 2).with_old("old", [1; 32]).unwrap();
    let first = entry("first");
    let _ = Encrypted::new(plain.clone(), old.clone())
        .put(&key("a"), &first, None)
        .await
        .unwrap();

    let store = Encrypted::new(plain.clone(), both);
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first.clone()));
    let conflict = store.put(&key("a"), &entry("late"), None).await.unwrap();
    assert_eq!(conflict, Outcome::Conflict(Some(first.clone())));
    let second = entry("second");
    assert_eq!(
        store
            .put(&key("a"), &second, Some(first.version))
            .await
            .unwrap(),
        Outcome::Applied
    );

    // The write encrypted it with the new key, so the old one no longer reads it.
    assert_eq!(
        Encrypted::new(plain.clone(), new)
            .get(&key("a"))
            .await
            .unwrap(),
        Some(second)
    );
    let error = Encrypted::new(plain, old).get(&key("a")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Undecryptable { key_id, .. } if key_id == "new"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_plain_record_is_an_error_and_stays() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    for value in ["", "{}", "\u{9e}tk"] {
        let clear = entry(value);
        plant(&plain, "a", &clear).await;
        for error in failures(&store).await {
            assert!(matches!(error, StoreError::NotEncrypted), "{error:?}");
        }
        assert_eq!(below(&plain, "a").await, clear);
    }
}

#[tokio::test]
async fn a_newer_format_is_an_error_and_stays() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("now", 1));
    let _ = store.put(&key("a"), &entry("value"), None).await.unwrap();
    let kept = below(&plain, "a").await;
    let mut value = kept.value.to_vec();
    value[FORMAT_AT] = 4;
    let newer = Entry::new(kept.version, value.clone());
    plant(&plain, "a", &newer).await;
    for result in [
        store.get(&key("a")).await.map(drop),
        store.put(&key("a"), &entry("next"), None).await.map(drop),
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::NewerFormat {
                    found: 4,
                    supported: 3
                }
            ),
            "{error:?}"
        );
    }
    assert_eq!(below(&plain, "a").await, newer);
    // Format 0 never existed.
    value[FORMAT_AT] = 0;
    plant(&plain, "a", &Entry::new(kept.version, value)).await;
    assert!(matches!(
        store.get(&key("a")).await.unwrap_err(),
        StoreError::Corrupt { .. }
    ));
}

// A recorded value, so that later releases still read it. A program written from the draft of
// XChaCha20-Poly1305 and the description of the format alone also decrypted it.
fn format_1() -> Entry {
    let value: Vec<u8> = "9e746b0107323032362d3032622580edcb48b2cb2e4e25e8f267881286f262dcd0ac\
                          785e5bddbe17501fb3725a51f7fdbc79937b270576ef834bcb"
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("text"), 16).expect("hex"))
        .collect();
    Entry::new(Version::from_bytes([9; 16]), value)
        .with_keep_until(UNIX_EPOCH + Duration::from_secs(60))
}

#[tokio::test]
async fn format_1_is_still_read() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("2026-02", 1));
    let kept = format_1().with_due(UNIX_EPOCH).with_attention(true);
    plant(&plain, "jane", &kept).await;
    assert_eq!(
        store.get(&key("jane")).await.unwrap().unwrap().value,
        "a value"
    );
}

#[tokio::test]
async fn a_value_of_format_1_is_upgraded_by_the_next_write() {
    let plain = SimpleStore::default();
    let store = Encrypted::new(plain.clone(), ring("2026-02", 1));
    let kept = format_1();
    plant(&plain, "jane", &kept).await;
    let next = entry("next").with_attention(true);
    let outcome = store.put(&key("jane"), &next, Some(kept.version)).await;
    assert_eq!(outcome.unwrap(), Outcome::Applied);
    let written = below(&plain, "jane").await;
    assert_eq!(written.value[FORMAT_AT], 2);
    // Under the old format the mark would not be bound.
    let mut downgraded = written.value.to_vec();
    downgraded[FORMAT_AT] = 1;
    plant(&plain, "jane", &Entry::new(next.version, downgraded)).await;
    assert!(store.get(&key("jane")).await.is_err());
}

#[tokio::test]
async fn the_longest_id_of_a_key_is_kept() {
    let id = "i".repeat(255);
    let store = Encrypted::new(SimpleStore::default(), ring(&id, 1));
    let secret = entry("value");
    let _ = store.put(&key("a"), &secret, None).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(secret));
}
