//! Calls to the store.

use std::sync::Arc;

use tokenkeeper_refresh::{Outcome, StoreAnswer, Write};
use tokenkeeper_store::{Outcome as Put, StoreError};

use crate::{
    engine::{core::Core, entry::AccountEntry, payload::Payload, stored},
    error::Error,
};

/// Reads the record from the store.
pub(crate) async fn read(core: &Core, entry: &AccountEntry) -> StoreAnswer<Payload> {
    let found = in_time(entry, core.store.get(&entry.key())).await;
    match found.and_then(|found| Ok(stored::decode(entry, found)?)) {
        Ok(found) => {
            // The error of a write stands until a write succeeds.
            if entry.lock().machine.is_written() {
                clear_error(entry);
            }
            StoreAnswer::Found(found)
        }
        Err(Fault { hung, error }) => {
            entry.lock().cold().store_error = Some(error);
            StoreAnswer::Failed { hung }
        }
    }
}

/// Writes or deletes the record in the store.
pub(crate) async fn write(
    core: &Core,
    entry: &AccountEntry,
    write: Write<Payload>,
) -> Outcome<Payload> {
    let key = &entry.key();
    let put = match (&write.record, write.expected) {
        (Some(record), expected) => {
            let encoded = stored::encode(entry, write.version, record, core.time.wall());
            in_time(entry, core.store.put(key, &encoded, expected)).await
        }
        (None, Some(expected)) => in_time(entry, core.store.delete(key, expected)).await,
        (None, None) => Ok(Put::Applied),
    };
    match put.and_then(|put| read_outcome(entry, put)) {
        Ok(outcome) => {
            clear_error(entry);
            outcome
        }
        Err(Fault { error, .. }) => {
            tracing::warn!(account = %entry.digest(), %error, "a write to the store failed");
            entry.lock().cold().store_error = Some(error);
            Outcome::Failed
        }
    }
}

/// Reads the entry of a conflict.
fn read_outcome(entry: &AccountEntry, put: Put) -> Result<Outcome<Payload>, Fault> {
    Ok(match put {
        Put::Applied => Outcome::Applied,
        Put::Conflict(found) => Outcome::Conflict(stored::decode(entry, found)?),
    })
}

/// A failed call to the store.
struct Fault {
    /// Whether the store did not respond in time.
    hung: bool,
    error: Error,
}

/// The store responded, but its record cannot be read.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { hung: false, error }
    }
}

/// Bounds a call to the store. A call that times out counts as failed, although a write may have
/// landed: the next read shows it.
async fn in_time<T>(
    entry: &AccountEntry,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Fault> {
    let result = tokio::time::timeout(entry.site.rules.store_timeout, call).await;
    let hung = result.is_err();
    let result = result.unwrap_or_else(|elapsed| Err(StoreError::ambiguous(elapsed)));
    result.map_err(|source| {
        let (account, source) = (entry.digest(), Arc::new(source));
        let error = Error::Store { account, source };
        Fault { hung, error }
    })
}

/// Forgets the last error of the store after a success.
fn clear_error(entry: &AccountEntry) {
    if let Some(cold) = entry.lock().cold_mut() {
        cold.store_error = None;
    }
}
