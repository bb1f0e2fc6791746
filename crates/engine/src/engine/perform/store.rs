//! Calls to the store.

use std::{sync::Arc, time::Duration};

use tokenkeeper_refresh::{Outcome, Record, StoreAnswer, Write};
use tokenkeeper_store::{Entry, Outcome as Put, StoreError, Version};

use super::retention;
use crate::{
    engine::codec, engine::core::Core, engine::entry::AccountEntry, engine::payload::Payload,
    error::Error,
};

/// Reads the record.
pub(crate) async fn read(core: &Core, entry: &AccountEntry) -> StoreAnswer<Payload> {
    match in_time(entry, core.store.get(&entry.key())).await {
        Ok(found) => match decode(entry, found) {
            Ok(found) => {
                answered(entry);
                StoreAnswer::Found(found)
            }
            Err(error) => {
                failed(entry, error);
                StoreAnswer::Failed { hung: false }
            }
        },
        Err(Fault { hung, source }) => {
            store_failed(entry, source);
            StoreAnswer::Failed { hung }
        }
    }
}

/// Writes or removes the record.
pub(crate) async fn write(
    core: &Core,
    entry: &AccountEntry,
    write: Write<Payload>,
) -> Outcome<Payload> {
    let key = &entry.key();
    let result = match (&write.record, write.expected) {
        (Some(record), expected) => {
            let made = retention::entry(core, entry, write.version, record);
            in_time(entry, core.store.put(key, &made, expected)).await
        }
        (None, Some(expected)) => in_time(entry, core.store.delete(key, expected)).await,
        (None, None) => Ok(Put::Applied),
    };
    match result {
        Ok(Put::Applied) => {
            answered(entry);
            Outcome::Applied
        }
        Ok(Put::Conflict(found)) => match decode(entry, found) {
            Ok(found) => {
                answered(entry);
                Outcome::Conflict(found)
            }
            Err(error) => {
                failed(entry, error);
                Outcome::Failed
            }
        },
        Err(Fault { source, .. }) => {
            tracing::warn!(account = %entry.digest(), error = %source, "a write to the store failed");
            store_failed(entry, source);
            Outcome::Failed
        }
    }
}

/// A call that failed.
struct Fault {
    /// It did not answer in time.
    hung: bool,
    source: StoreError,
}

/// A store that hangs counts as one that failed; a write may then have landed, which the record will show.
async fn in_time<T>(
    entry: &AccountEntry,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Fault> {
    let limit: Duration = entry.site.rules.store_timeout;
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map_err(|source| Fault {
            hung: false,
            source,
        }),
        Err(elapsed) => Err(Fault {
            hung: true,
            source: StoreError::ambiguous(elapsed),
        }),
    }
}

type Found = Option<(Version, Record<Payload>)>;

fn decode(entry: &AccountEntry, found: Option<Entry>) -> Result<Found, Error> {
    let Some(found) = found else { return Ok(None) };
    let record = codec::decode(&found.value, &entry.site.shared);
    let record = record.map_err(|source| Error::Record {
        account: entry.digest(),
        source,
    })?;
    Ok(Some((found.version, record)))
}

fn store_failed(entry: &AccountEntry, source: StoreError) {
    let error = Error::Store {
        account: entry.digest(),
        source: Arc::new(source),
    };
    failed(entry, error);
}

/// An earlier reason is over.
fn answered(entry: &AccountEntry) {
    if let Some(cold) = entry.lock().cold_mut() {
        cold.store_error = None;
    }
}

/// Keeps the reason for those who wait.
fn failed(entry: &AccountEntry, error: Error) {
    entry.lock().cold().store_error = Some(error);
}
