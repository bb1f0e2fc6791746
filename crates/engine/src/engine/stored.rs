//! Conversions between records and store entries.

use tokenkeeper_refresh::{Record, Retention, WallMillis, retention};
use tokenkeeper_store::{Entry, Version};

use super::{codec, entry::AccountEntry, payload::Payload};
use crate::{clock::system_time, error::Error};

/// The record that the store has and its version; `None` if it has none.
pub(super) type Stored = Option<(Version, Record<Payload>)>;

/// Builds the store entry of a record that is written at `now`.
pub(super) fn encode(
    account: &AccountEntry,
    version: Version,
    record: &Record<Payload>,
    now: WallMillis,
) -> Entry {
    let Retention {
        keep_until,
        due,
        attention,
    } = retention(record, &account.site.rules, account.place(), now);
    Entry::new(version, codec::encode(record))
        .with_keep_until(keep_until.map(system_time))
        .with_due(due.map(system_time))
        .with_attention(attention)
}

/// Reads the record of a store entry.
pub(super) fn decode(account: &AccountEntry, found: Option<Entry>) -> Result<Stored, Error> {
    let Some(found) = found else { return Ok(None) };
    let record = codec::decode(&found.value, &account.site.shared);
    let record = record.map_err(|source| Error::Record {
        account: account.digest(),
        source,
    })?;
    Ok(Some((found.version, record)))
}
