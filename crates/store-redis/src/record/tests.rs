use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_store::{Entry, Key, StoreError, Version};

use super::{decode, encode};

fn key(subject: &str) -> Key {
    Key::new("brand", "https://provider.example", "client", subject).unwrap()
}

fn full() -> Entry {
    Entry::new(Version::random(), &b"a\0\xff\r\n"[..])
        .with_keep_until(UNIX_EPOCH + Duration::from_millis(1_800_000_000_123))
        .with_due(UNIX_EPOCH)
        .with_attention(true)
}

#[test]
fn an_encoded_entry_is_decoded() {
    for entry in [full(), Entry::new(Version::random(), "")] {
        assert_eq!(decode(&key("a"), encode(&key("a"), &entry)).unwrap(), entry);
    }
}

#[test]
fn a_truncated_record_is_an_error() {
    let (key, entry) = (key("a"), Entry::new(Version::random(), ""));
    let record = encode(&key, &entry);
    for length in 0..record.len() {
        let error = decode(&key, record[..length].to_vec()).unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { .. }),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn the_record_of_another_account_is_an_error() {
    let error = decode(&key("b"), encode(&key("a"), &full())).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let mut record = encode(&key("a"), &full());
    record[0] = 2;
    let error = decode(&key("a"), record.clone()).unwrap_err();
    assert!(matches!(
        error,
        StoreError::NewerFormat {
            found: 2,
            supported: 1
        }
    ));
    record[0] = b'{';
    let error = decode(&key("a"), record).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }));
}
