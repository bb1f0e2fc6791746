//! Keyrings from text, and errors that name the remedy and show no key.

use std::error::Error;
use std::fs;
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokenkeeper_store::{EncryptionKey, Keyring, KeyringError};

const ONE: &str = "SC4last5ZV4agqQ5ZjlTMQFOKg8TGiCbtIk4tEzspAw=";
const TWO: &str = "+49QLwQo4yQdOWMRw2ArkBogAA3RWa9CpEr5a56nPio=";

fn ids(text: &str) -> Result<Vec<String>, KeyringError> {
    text.parse::<Keyring>()
        .map(|ring| ring.ids().map(str::to_owned).collect())
}

/// The reason why the first key cannot be used.
fn reason(text: &str) -> KeyringError {
    match ids(text) {
        Err(KeyringError::Item { number: 1, source }) => *source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_key_is_current_with_any_separator() {
    for text in [
        format!("new:{ONE},old:{TWO}"),
        format!("new:{ONE}\nold:{TWO}\n"),
        format!("# keys\r\n  new:{ONE} \r\n\r\n # older:{ONE}\r\n old:{TWO}, \r\n"),
    ] {
        assert_eq!(ids(&text).unwrap(), ["new", "old"], "{text}");
    }
}

#[test]
fn either_base64_alphabet_works_without_padding() {
    for text in [
        "+yBFao+02f4jSG2St9wBJktwlbrfBClOc5i94gcsUXY=",
        "-yBFao-02f4jSG2St9wBJktwlbrfBClOc5i94gcsUXY",
        ONE,
    ] {
        assert!(EncryptionKey::from_base64(text).is_ok(), "{text}");
        assert!(
            EncryptionKey::from_base64(&format!(" {text}\n")).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn each_mistake_has_its_error() {
    assert!(matches!(ids("").unwrap_err(), KeyringError::Empty));
    assert!(matches!(
        ids("# nothing\n").unwrap_err(),
        KeyringError::Empty
    ));
    assert!(matches!(reason(ONE), KeyringError::NoId));
    assert!(matches!(reason(&format!(":{ONE}")), KeyringError::BadId));
    assert!(matches!(
        reason("a:c2hvcnQ="),
        KeyringError::WrongLength { bytes: 5 }
    ));
    assert!(matches!(
        reason("a:"),
        KeyringError::WrongLength { bytes: 0 }
    ));
    assert!(matches!(reason("a:no/base64?"), KeyringError::NotBase64));
    assert!(matches!(
        reason(&format!("{}:{ONE}", "i".repeat(256))),
        KeyringError::BadId
    ));
    let twice = ids(&format!("a:{ONE} a:{TWO}")).unwrap_err();
    let KeyringError::Item { number: 2, source } = twice else {
        panic!("{twice:?}")
    };
    assert!(matches!(*source, KeyringError::Duplicate { id } if id == "a"));
    for id in ["", "a b", "a:b", "a,b", "a\nb", "a\0b"] {
        assert!(
            matches!(Keyring::new(id, [0; 32]), Err(KeyringError::BadId)),
            "{id:?}"
        );
    }
}

#[test]
fn no_error_and_no_debug_shows_a_key() {
    // A key without an id, a key instead of the id, a key that is one byte too long.
    let texts = [
        ONE.to_owned(),
        format!("{ONE}:{TWO}x"),
        format!("a:{TWO}{ONE}"),
        format!("{ONE}:a"),
    ];
    for text in texts {
        let error = ids(&text).unwrap_err();
        let mut shown = format!("{error:?}");
        let mut cause: Option<&dyn Error> = Some(&error);
        while let Some(error) = cause {
            shown.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(
            !shown.contains(&ONE[..4]) && !shown.contains(&TWO[..4]),
            "{shown}"
        );
    }
    let ring: Keyring = format!("a:{ONE}").parse().unwrap();
    let shown = format!("{ring:?} {:?}", EncryptionKey::from([115; 32]));
    assert_eq!(shown, r#"Keyring(["a"]) EncryptionKey(..)"#);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let error = Keyring::from_env("TOKENKEEPER_TEST_NOT_SET").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("TOKENKEEPER_TEST_NOT_SET is not set"),
        "{error}"
    );
}

#[test]
fn a_variable_is_read() {
    // Cargo sets this variable: it is read, and refused since it is not a keyring.
    let error = Keyring::from_env("CARGO_PKG_NAME").unwrap_err();
    assert!(
        matches!(error, KeyringError::Item { number: 1, .. }),
        "{error:?}"
    );
}

#[test]
fn a_file_is_read_and_a_missing_one_is_named() {
    let folder = std::env::temp_dir().join(format!("tokenkeeper-keyring-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("keyring");
    let missing = Keyring::from_file(&path).unwrap_err();
    assert!(
        matches!(missing, KeyringError::Unreadable { .. })
            && missing.to_string().contains("keyring"),
        "{missing}"
    );
    fs::write(&path, format!("# current\n2026-02:{ONE}\n2025-11:{TWO}\n")).unwrap();
    allow(&path, 0o600);
    assert_eq!(
        Keyring::from_file(&path).unwrap().ids().collect::<Vec<_>>(),
        ["2026-02", "2025-11"]
    );
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        Keyring::from_file(&path),
        Err(KeyringError::NotText)
    ));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_key_that_nobody_drew_at_random_is_refused() {
    let text = |bytes: &[u8]| STANDARD.encode(bytes);
    for weak in [
        text(&[0; 32]),
        text(b"correct horse battery staple, 32"),
        text(&[[1; 16], [2; 16]].concat()),
        text(b"0123456789abcdef0123456789abcdef"),
    ] {
        assert!(matches!(reason(&format!("a:{weak}")), KeyringError::Weak));
    }
}

#[test]
fn two_ids_of_one_key_are_refused() {
    let twice = ids(&format!("new:{ONE} old:{ONE}")).unwrap_err();
    let KeyringError::Item { number: 2, source } = twice else {
        panic!("{twice:?}")
    };
    let text = source.to_string();
    assert!(text.contains("new") && text.contains("old"), "{text}");
    let ring = Keyring::new("new", [7; 32]).unwrap();
    let same = ring.with_old("old", [7; 32]);
    assert!(matches!(same, Err(KeyringError::SameKey { .. })));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused_or_asked_for() {
    let folder = std::env::temp_dir().join(format!("tokenkeeper-exposed-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("keyring");
    fs::write(&path, format!("a:{ONE}")).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o666] {
        allow(&path, mode);
        let error = Keyring::from_file(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert!(Keyring::from_file_readable_by_others(&path).is_ok());
    }
    for mode in [0o600, 0o400] {
        allow(&path, mode);
        Keyring::from_file(&path).unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_without_an_end_is_refused() {
    let path = "/dev/zero";
    if Path::new(path).exists() {
        let refused = Keyring::from_file_readable_by_others(path);
        assert!(matches!(refused, Err(KeyringError::TooLong)));
    }
}

#[cfg(unix)]
fn allow(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a file of ours");
}

#[cfg(not(unix))]
fn allow(_: &Path, _: u32) {}
