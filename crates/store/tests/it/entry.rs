//! Entries and versions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_store::{Cursor, Entry, Filter, Version, unix_millis};

use crate::entry;

fn at(seconds: u64, nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanos)
}

#[test]
fn times_are_rounded_up_to_a_millisecond() {
    let rounded = entry("value")
        .with_keep_until(at(5, 1))
        .with_due(at(6, 999_999));
    assert_eq!(rounded.keep_until, Some(at(5, 1_000_000)));
    assert_eq!(rounded.due, Some(at(6, 1_000_000)));
    let whole = entry("value").with_keep_until(at(5, 2_000_000));
    assert_eq!(whole.keep_until, Some(at(5, 2_000_000)));
    assert_eq!(whole.with_keep_until(None).keep_until, None);
}

#[test]
fn times_stay_within_the_calendar() {
    assert_eq!(unix_millis(UNIX_EPOCH - Duration::from_secs(1)), 0);
    assert_eq!(unix_millis(UNIX_EPOCH), 0);
    assert_eq!(unix_millis(at(253_402_300_800, 0)), 253_402_300_799_999);
    assert_eq!(unix_millis(at(1 << 60, 0)), 253_402_300_799_999);
}

#[test]
fn debug_shows_no_value_and_no_cursor() {
    let shown = format!("{:?} {:?}", entry("a secret"), Cursor::new("a secret"));
    assert!(
        !shown.contains("secret") && !shown.contains("97, 32"),
        "{shown}"
    );
    assert!(shown.contains("8 bytes"), "{shown}");
}

#[test]
fn versions_are_random_and_come_back_from_their_bytes() {
    let (a, b) = (Version::random(), Version::random());
    assert_ne!(a, b);
    assert_eq!(Version::from_bytes(a.to_bytes()), a);
    assert_eq!(Version::from_bytes(*a.as_bytes()), a);
    assert_eq!(
        format!("{:?}", Version::from_bytes([0xab; 16])),
        "ab".repeat(16)
    );
}

#[test]
fn a_filter_accepts_its_entries() {
    let time = at(10, 0);
    let due = |time| Entry::new(Version::random(), "").with_due(time);
    let before = Filter::DueBefore(time);
    assert!(before.accepts(&due(at(9, 999_000_000))));
    assert!(!before.accepts(&due(time)));
    assert!(Filter::DueBefore(time + Duration::from_nanos(1)).accepts(&due(time)));
    assert!(!before.accepts(&entry("never due").with_attention(true)));
    assert!(Filter::Attention.accepts(&entry("marked").with_attention(true)));
    assert!(!Filter::Attention.accepts(&due(time)));
    assert!(Filter::All.accepts(&entry("any")));
}
