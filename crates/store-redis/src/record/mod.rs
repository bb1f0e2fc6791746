//! The bytes of a record.
//!
//! ```text
//! 1 byte    format, 1
//! 16 bytes  version
//! 1 byte    flags: 1 attention, 2 has a keep_until, 4 has a due time
//! 8 bytes   keep_until in milliseconds, big-endian, or 0
//! 8 bytes   due time, likewise
//! 2 bytes   length of the key, big-endian
//! n bytes   key
//! rest      value
//! ```
//!
//! The scripts compare the first 17 bytes and read the key, so these stay in place in every format.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf as _, Bytes};
use tokenkeeper_store::{Entry, Key, StoreError, Version, unix_millis};

use crate::RedisError;

const FORMAT: u8 = 1;
const ATTENTION: u8 = 1;
const KEEP_UNTIL: u8 = 2;
const DUE: u8 = 4;
const FIXED: usize = 36;

/// Returns the first bytes of a record: its format and version.
pub(crate) fn head(version: Version) -> Vec<u8> {
    let mut head = vec![FORMAT];
    head.extend_from_slice(version.as_bytes());
    head
}

pub(crate) fn encode(key: &Key, entry: &Entry) -> Vec<u8> {
    let key = key.to_bytes();
    let length = u16::try_from(key.len()).expect("a key has at most 4 fields of 1 KiB");
    let mut record = head(entry.version);
    record.reserve_exact(FIXED - record.len() + key.len() + entry.value.len());
    let flag = |flag: u8, set: bool| if set { flag } else { 0 };
    record.push(
        flag(ATTENTION, entry.attention)
            | flag(KEEP_UNTIL, entry.keep_until.is_some())
            | flag(DUE, entry.due.is_some()),
    );
    for time in [entry.keep_until, entry.due] {
        record.extend_from_slice(&time.map_or(0, unix_millis).to_be_bytes());
    }
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(&key);
    record.extend_from_slice(&entry.value);
    record
}

/// # Errors
/// A record that [`encode`] has not written for this key.
pub(crate) fn decode(key: &Key, record: impl Into<Bytes>) -> Result<Entry, StoreError> {
    let damaged = |what| {
        StoreError::from(RedisError::Damaged {
            account: key.digest(),
            what,
        })
    };
    let mut rest: Bytes = record.into();
    match rest.first() {
        Some(&FORMAT) => {}
        Some(&format) if format > FORMAT && format < 32 => {
            return Err(StoreError::NewerFormat {
                found: format.into(),
                supported: FORMAT.into(),
            });
        }
        _ => return Err(damaged("its format is unknown")),
    }
    if rest.len() < FIXED {
        return Err(damaged("it is cut short"));
    }
    rest.advance(1);
    let mut version = [0; 16];
    rest.copy_to_slice(&mut version);
    let flags = rest.get_u8();
    let (keep_until, due) = (rest.get_u64(), rest.get_u64());
    let length = usize::from(rest.get_u16());
    if rest.len() < length {
        return Err(damaged("it is cut short"));
    }
    if *rest.split_to(length) != *key.to_bytes() {
        return Err(damaged("it belongs to another account"));
    }
    let time = |flag, millis| (flags & flag != 0).then(|| from_millis(millis)).flatten();
    Ok(Entry::new(Version::from_bytes(version), rest)
        .with_keep_until(time(KEEP_UNTIL, keep_until))
        .with_due(time(DUE, due))
        .with_attention(flags & ATTENTION != 0))
}

fn from_millis(millis: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests;
