//! Keys are distinct, only valid bytes are read, and no subject is shown.

use proptest::collection::vec;
use proptest::prelude::*;
use tokenkeeper_store::{Key, KeyError};

fn make(fields: &[String; 4]) -> Result<Key, KeyError> {
    let [brand, base, client_id, subject] = fields;
    Key::new(brand, base, client_id, subject)
}

/// Short fields over few letters, so that unequal keys with equal joined text are common.
fn fields() -> impl Strategy<Value = [String; 4]> {
    let letter = || prop_oneof!["[ab:]", "\0", "ü", "\u{1}"];
    let field = || vec(letter(), 1..4).prop_map(|letters| letters.concat());
    [
        field().boxed(),
        field().boxed(),
        vec("[ab]", 0..3)
            .prop_map(|letters| letters.concat())
            .boxed(),
        field().boxed(),
    ]
}

proptest! {
    #[test]
    fn equal_bytes_mean_equal_fields(a in fields(), b in fields()) {
        let (left, right) = (make(&a).unwrap(), make(&b).unwrap());
        prop_assert_eq!(a == b, left.to_bytes() == right.to_bytes());
        prop_assert_eq!(a == b, left == right);
    }

    #[test]
    fn bytes_are_read_back(fields in fields()) {
        let key = make(&fields).unwrap();
        let read = Key::from_bytes(&key.to_bytes()).unwrap();
        let read_fields = [read.brand(), read.base(), read.client_id(), read.subject()];
        prop_assert_eq!(read_fields.map(str::to_owned), fields);
        prop_assert_eq!(read, key);
    }

    #[test]
    fn a_key_that_is_read_has_the_same_bytes(bytes in vec(any::<u8>(), 0..40)) {
        if let Ok(key) = Key::from_bytes(&bytes) {
            prop_assert_eq!(key.to_bytes(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_another_key(
        fields in fields(),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let key = make(&fields).unwrap();
        let mut bytes = key.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert_ne!(Key::from_bytes(&bytes), Ok(key));
    }
}

#[test]
fn truncated_and_extended_bytes_are_refused() {
    let mut bytes = Key::new("brand", "base", "", "subject").unwrap().to_bytes();
    for end in 0..bytes.len() {
        assert_eq!(
            Key::from_bytes(&bytes[..end]),
            Err(KeyError::Malformed),
            "{end}"
        );
    }
    bytes.push(0);
    assert_eq!(Key::from_bytes(&bytes), Err(KeyError::Malformed));
}

#[test]
fn the_same_text_in_other_fields_is_another_key() {
    let left = Key::new("a:b", "c", "d", "e").unwrap();
    let right = Key::new("a", "b:c", "d", "e").unwrap();
    assert_ne!(left, right);
    assert_ne!(left.to_bytes(), right.to_bytes());
    assert_ne!(left.digest(), right.digest());
    // The joined text is the same; only the field boundaries differ.
    assert_ne!(
        Key::new("ab", "c", "d", "e").unwrap(),
        Key::new("a", "bc", "d", "e").unwrap()
    );
}

#[test]
fn only_the_client_id_may_be_empty() {
    assert_eq!(
        Key::new("", "b", "c", "d"),
        Err(KeyError::Empty { field: "brand" })
    );
    assert_eq!(
        Key::new("a", "", "c", "d"),
        Err(KeyError::Empty { field: "base URL" })
    );
    assert!(Key::new("a", "b", "", "d").is_ok());
    assert_eq!(
        Key::new("a", "b", "c", ""),
        Err(KeyError::Empty { field: "subject" })
    );
}

#[test]
fn a_field_may_have_a_kibibyte() {
    let (most, more) = ("x".repeat(1024), "x".repeat(1025));
    let key = Key::new(&most, &most, &most, &most).unwrap();
    assert_eq!(Key::from_bytes(&key.to_bytes()), Ok(key));
    for place in 0..4 {
        let mut fields = ["a"; 4];
        fields[place] = &more;
        let [brand, base, client_id, subject] = fields;
        let error = Key::new(brand, base, client_id, subject).unwrap_err();
        assert!(
            matches!(error, KeyError::TooLong { bytes: 1025, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn debug_shows_a_digest_and_no_subject() {
    let key = Key::new(
        "amiqus",
        "https://id.amiqus.co",
        "client-1",
        "jane@example.com",
    )
    .unwrap();
    let shown = format!("{key:?} {key:#?} {} {:?}", key.digest(), key.digest());
    assert!(!shown.contains("jane"), "{shown}");
    assert!(
        shown.contains("amiqus") && shown.contains("https://id.amiqus.co"),
        "{shown}"
    );
    let digest = key.digest().to_string();
    assert!(shown.contains(&digest));
    assert!(
        digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{digest}"
    );
    // It stays the same in all releases, since logs are compared over years.
    assert_eq!(digest, "8b430877c8a5d548");
}
