//! Calls to the store.

use std::sync::Arc;

use tokenkeeper_refresh::{Outcome, StoreAnswer, Write};
use tokenkeeper_store::{ErrorChain, Outcome as Put, StoreError, Version};

use crate::{
    engine::{
        auditing, claimed, core::Core, entry::AccountEntry, forgotten, payload::Payload,
        store_health::Call, stored,
    },
    error::Error,
};

/// Reads the record from the store.
pub(crate) async fn read(core: &Core, entry: &AccountEntry) -> StoreAnswer<Payload> {
    let key = entry.key();
    let call = async {
        match core.store.get(&key).await? {
            None if entry.lock().machine.heeds_marks() => forgotten::get(&*core.store, &key).await,
            found => Ok(found),
        }
    };
    let found = in_time(core, entry, Call::Read, call).await;
    match found.and_then(|found| Ok(stored::decode(entry, found)?)) {
        Ok(found) => {
            // The error of a write stands until a write succeeds.
            if entry.lock().machine.is_written() {
                clear_error(entry);
            }
            StoreAnswer::Found(found)
        }
        Err(Fault { hung, error }) => match unreadable(core, entry, error).await {
            Some(version) => StoreAnswer::Unreadable(version),
            None => StoreAnswer::Failed { hung },
        },
    }
}

/// Keeps an error, and returns the version of the record if it exists, cannot be read, and does not
/// stop what is in flight.
///
/// A store or a key service that fails for now says nothing about the record.
async fn unreadable(core: &Core, entry: &AccountEntry, error: Error) -> Option<Version> {
    let concerned = error.is_unreadable_record() && entry.lock().machine.may_replace_unreadable();
    keep_error(core, entry, error);
    if !concerned {
        return None;
    }
    let key = entry.key();
    let version = core.store.version(&key);
    in_time(core, entry, Call::Read, version).await.ok()?
}

/// Writes or deletes the record in the store.
pub(crate) async fn write(
    core: &Core,
    entry: &AccountEntry,
    write: Write<Payload>,
) -> Outcome<Payload> {
    let (key, store) = (&entry.key(), &*core.store);
    let wall = core.time.wall();
    let encode = |record| stored::encode(entry, write.version, record, wall);
    let call = async {
        match (&write.record, write.expected, write.claims) {
            (Some(record), _, Some(flow)) => claimed::put(store, key, flow, &encode(record)).await,
            (Some(record), expected, None) if write.forgets => {
                forgotten::forget(store, key, &encode(record), expected).await
            }
            (Some(record), expected, None) => {
                forgotten::put(store, key, &encode(record), expected).await
            }
            (None, Some(expected), _) => store.delete(key, expected).await,
            (None, None, _) => Ok(Put::Applied),
        }
    };
    let put = in_time(core, entry, Call::Write, call).await;
    match put.and_then(|put| read_outcome(entry, put)) {
        Ok(outcome) => {
            clear_error(entry);
            outcome
        }
        Err(Fault { error, .. }) => match unreadable(core, entry, error).await {
            Some(version) if write.claims.is_none() => Outcome::Unreadable(version),
            _ => Outcome::Failed,
        },
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
    core: &Core,
    entry: &AccountEntry,
    kind: Call,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Fault> {
    let began = core.time.monotonic();
    let result = tokio::time::timeout(entry.site.rules.store_timeout, call).await;
    let hung = result.is_err();
    let took = core.time.monotonic().saturating_sub(began);
    let outcome = match &result {
        Ok(Ok(_)) => "ok",
        Ok(Err(_)) => "failed",
        Err(_) => "timeout",
    };
    core.metrics.note_store_call(kind.name(), outcome, took);
    let result = result.unwrap_or_else(|elapsed| Err(StoreError::ambiguous(elapsed)));
    match &result {
        Err(error) if !error.is_of_one_entry() => {
            core.store_health.note_failure(kind, error, core.time.now());
        }
        _ => core.store_health.note_success(kind, core.time.now()),
    }
    result.map_err(|source| {
        let (account, source) = (entry.digest(), Arc::new(source));
        let error = Error::Store { account, source };
        Fault { hung, error }
    })
}

/// Keeps the last error of the store for callers, and logs it if the record cannot be read: once,
/// until a call succeeds again. Failures of the store itself are logged for all accounts together.
fn keep_error(core: &Core, entry: &AccountEntry, error: Error) {
    let mut inner = entry.lock();
    let known = inner.cold_ref().and_then(|cold| cold.store_error.as_ref());
    let news = error.is_unreadable_record() && !known.is_some_and(Error::is_unreadable_record);
    inner.cold().store_error = Some(error.clone());
    drop(inner);
    if news {
        auditing::record_unreadable(core, entry, &error);
        let (account, provider) = (entry.digest(), entry.site.provider.brand());
        let error = ErrorChain::of(&error);
        tracing::warn!(%account, provider, %error, "the record of an account cannot be read");
    }
}

/// Forgets the last error of the store after a success.
fn clear_error(entry: &AccountEntry) {
    if let Some(cold) = entry.lock().cold_mut() {
        cold.store_error = None;
    }
}
