//! The record as the store keeps it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_refresh::{Record, Retention, retention};
use tokenkeeper_store::{Entry, Version};

use crate::engine::{codec, core::Core, entry::AccountEntry, payload::Payload};

pub(super) fn entry(
    core: &Core,
    entry: &AccountEntry,
    version: Version,
    record: &Record<Payload>,
) -> Entry {
    let (rules, now) = (&entry.site.rules, core.time.wall());
    let Retention {
        keep_until,
        due,
        attention,
    } = retention(record, rules, entry.place(), now);
    Entry::new(version, codec::encode(record))
        .with_keep_until(keep_until.map(at))
        .with_due(due.map(at))
        .with_attention(attention)
}

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}
