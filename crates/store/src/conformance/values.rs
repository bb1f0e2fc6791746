//! Rules: an entry comes back as it was written, under its own key.

use std::time::Duration;

use bytes::Bytes;

use super::subject::{entry, key};
use super::violation::{ensure, expect_entry};
use super::{Subject, Violation};
use crate::{Entry, Key, Version};

/// `("a:b", "c")` and `("a", "b:c")` are different keys, for any neighbouring fields and separator.
pub async fn keys_are_not_joined_as_text(subject: Subject) -> Result<(), Violation> {
    let mut keys = Vec::new();
    for separator in [":", "/", "|", ",", "\0", "\u{1f}", "{", "}"] {
        let (left, right) = (format!("a{separator}b"), format!("b{separator}c"));
        keys.extend([
            made(&left, "c", "d", "e"),
            made("a", &right, "d", "e"),
            made("x", &left, "c", "e"),
            made("x", "a", &right, "e"),
            made("x", "y", &left, "c"),
            made("x", "y", "a", &right),
        ]);
    }
    are_kept_apart(&subject, &keys).await
}

/// Keys that differ in one field only are different keys.
pub async fn every_field_of_a_key_counts(subject: Subject) -> Result<(), Violation> {
    let keys = [
        made("brand", "base", "client", "subject"),
        made("brand2", "base", "client", "subject"),
        made("brand", "base2", "client", "subject"),
        made("brand", "base", "client2", "subject"),
        made("brand", "base", "client", "subject2"),
        made("brand", "base", "", "subject"),
    ];
    are_kept_apart(&subject, &keys).await
}

/// Case, spaces, NUL, wildcards, non-ASCII letters and fields of 1 KiB are kept as they are.
pub async fn unusual_keys_are_kept_apart(subject: Subject) -> Result<(), Violation> {
    let long = "l".repeat(Key::MAX_FIELD);
    let mut nearly_long = long.clone();
    nearly_long.replace_range(Key::MAX_FIELD - 1.., "m");
    let subjects = [
        "user",
        "USER",
        "user ",
        " user",
        "user\0",
        "us\0er",
        "user%",
        "user_",
        "user*",
        "us?r",
        "us[e]r",
        "'; --",
        "\"",
        "\\",
        "\n",
        "ü",
        "u\u{308}",
        "🔑",
        "{user}",
        &long,
        &nearly_long,
    ];
    let mut keys: Vec<Key> = subjects.iter().map(|subject| key(subject)).collect();
    keys.push(made(&long, &long, &long, &long));
    are_kept_apart(&subject, &keys).await
}

/// An empty value comes back.
pub async fn empty_value_comes_back(subject: Subject) -> Result<(), Violation> {
    comes_back(&subject, "empty", Bytes::new()).await
}

/// A value with every possible byte comes back.
pub async fn binary_value_comes_back(subject: Subject) -> Result<(), Violation> {
    comes_back(
        &subject,
        "binary",
        (0..=255).chain((0..=255).rev()).collect(),
    )
    .await
}

/// A value of 1 MiB comes back.
pub async fn value_of_one_mebibyte_comes_back(subject: Subject) -> Result<(), Violation> {
    comes_back(
        &subject,
        "large",
        (0..1024 * 1024)
            .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect(),
    )
    .await
}

/// Times to the millisecond and the mark come back, from `get` and in a conflict.
pub async fn metadata_comes_back(subject: Subject) -> Result<(), Violation> {
    let now = subject.now();
    let at = |days: u64, millis: u64| {
        now + Duration::from_secs(days * 86_400) + Duration::from_millis(millis)
    };
    let plain = entry("value");
    let entries = [
        plain.clone(),
        entry("value").with_keep_until(at(30, 1)),
        entry("value").with_due(at(1, 999)),
        entry("value").with_due(now - Duration::from_millis(86_400_001)),
        entry("value").with_attention(true),
        entry("value")
            .with_keep_until(at(36_500, 123))
            .with_due(at(2, 7))
            .with_attention(true),
        // A time finer than a millisecond is rounded by the entry itself.
        entry("value")
            .with_keep_until(at(3, 0) + Duration::from_nanos(1))
            .with_due(at(4, 0) + Duration::from_nanos(1)),
    ];
    for (number, entry) in entries.iter().enumerate() {
        let key = key(&format!("metadata-{number}"));
        let _ = subject.store().put(&key, entry, None).await?;
        expect_entry(
            "an entry with metadata",
            subject.get(&key).await?.as_ref(),
            Some(entry),
        )?;
        match subject.store().put(&key, &plain, None).await? {
            crate::Outcome::Applied => {
                return Err(Violation::new(
                    "a put that expects no entry was applied over one",
                ));
            }
            crate::Outcome::Conflict(shown) => {
                expect_entry(
                    "a conflict with an entry with metadata",
                    shown.as_ref(),
                    Some(entry),
                )?;
            }
        }
    }
    Ok(())
}

async fn comes_back(subject: &Subject, name: &str, value: Bytes) -> Result<(), Violation> {
    let entry = Entry::new(Version::random(), value);
    subject.expect_first_put(&key(name), &entry).await
}

/// Checks that each key keeps its own entry while all the others are written.
async fn are_kept_apart(subject: &Subject, keys: &[Key]) -> Result<(), Violation> {
    let mut entries = Vec::with_capacity(keys.len());
    for (number, key) in keys.iter().enumerate() {
        let entry = Entry::new(Version::random(), format!("entry {number}"));
        let outcome = subject.store().put(key, &entry, None).await?;
        ensure!(
            outcome.is_applied(),
            "key {number} of the rule is taken for one before it"
        );
        entries.push(entry);
    }
    for (number, (key, entry)) in keys.iter().zip(&entries).enumerate() {
        expect_entry(
            &format!("key {number} of the rule"),
            subject.get(key).await?.as_ref(),
            Some(entry),
        )?;
    }
    Ok(())
}

fn made(brand: &str, base: &str, client_id: &str, subject: &str) -> Key {
    Key::new(brand, base, client_id, subject).expect("the suite's keys are valid")
}
