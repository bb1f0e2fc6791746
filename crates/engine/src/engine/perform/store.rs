//! Calls to the store.

use std::sync::Arc;

use tokenkeeper_refresh::{Outcome, StoreAnswer, Write};
use tokenkeeper_store::{Outcome as Put, StoreError};

use crate::{
    engine::{core::Core, entry::AccountEntry, payload::Payload, stored},
    error::Error,
};

/// Reads the record.
pub(crate) async fn read(core: &Core, entry: &AccountEntry) -> StoreAnswer<Payload> {
    let found = in_time(entry, core.store.get(&entry.key())).await;
    match found.and_then(|found| Ok(stored::record(entry, found)?)) {
        Ok(found) => {
            // What a write said stands until a write succeeds.
            if entry.lock().machine.is_written() {
                answered(entry);
            }
            StoreAnswer::Found(found)
        }
        Err(Fault { hung, error }) => {
            entry.lock().cold().store_error = Some(error);
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
    let put = match (&write.record, write.expected) {
        (Some(record), expected) => {
            let made = stored::entry(entry, write.version, record, core.time.wall());
            in_time(entry, core.store.put(key, &made, expected)).await
        }
        (None, Some(expected)) => in_time(entry, core.store.delete(key, expected)).await,
        (None, None) => Ok(Put::Applied),
    };
    match put.and_then(|put| outcome(entry, put)) {
        Ok(outcome) => {
            answered(entry);
            outcome
        }
        Err(Fault { error, .. }) => {
            tracing::warn!(account = %entry.digest(), %error, "a write to the store failed");
            entry.lock().cold().store_error = Some(error);
            Outcome::Failed
        }
    }
}

fn outcome(entry: &AccountEntry, put: Put) -> Result<Outcome<Payload>, Fault> {
    Ok(match put {
        Put::Applied => Outcome::Applied,
        Put::Conflict(found) => Outcome::Conflict(stored::record(entry, found)?),
    })
}

/// A call that failed.
struct Fault {
    /// It did not answer in time.
    hung: bool,
    error: Error,
}

/// What the store has cannot be read.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { hung: false, error }
    }
}

/// A store that hangs counts as one that failed; a write may then have landed, which the record
/// will show.
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

/// An earlier reason is over.
fn answered(entry: &AccountEntry) {
    if let Some(cold) = entry.lock().cold_mut() {
        cold.store_error = None;
    }
}
