//! Errors have advice, and keep their source.

use std::error::Error;

use tokenkeeper_store::{Advice, StoreError};

#[test]
fn each_error_has_its_advice() {
    let id = || "2026-02".to_owned();
    let cases = [
        (StoreError::unavailable("refused"), Advice::Retry, true),
        (StoreError::ambiguous("timed out"), Advice::ReadBack, true),
        (StoreError::Full, Advice::FixConfiguration, false),
        (
            StoreError::Unsupported("listing"),
            Advice::FixConfiguration,
            false,
        ),
        (
            StoreError::read_only("EROFS"),
            Advice::FixConfiguration,
            false,
        ),
        (
            StoreError::Undecryptable {
                key_id: id(),
                known_ids: vec![id()],
            },
            Advice::FixConfiguration,
            false,
        ),
        (
            StoreError::keys("no rights"),
            Advice::FixConfiguration,
            false,
        ),
        (StoreError::NotEncrypted, Advice::FixConfiguration, false),
        (
            StoreError::NewerFormat {
                found: 2,
                supported: 1,
            },
            Advice::FixConfiguration,
            false,
        ),
        (StoreError::corrupt("no magic"), Advice::GiveUp, false),
        (StoreError::other("?"), Advice::GiveUp, false),
    ];
    for (error, advice, transient) in cases {
        assert_eq!(
            (error.advice(), error.is_transient()),
            (advice, transient),
            "{error}"
        );
    }
}

#[test]
fn the_source_is_kept() {
    let error =
        StoreError::unavailable(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
}
