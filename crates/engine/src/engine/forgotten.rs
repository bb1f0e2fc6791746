//! Accounts that were forgotten: what is left of one is a mark under another key.
//!
//! A process that knows the account would put back a record that is gone, since a store may lose
//! one. So a forgotten account leaves its tombstone under a digest of its key until every process
//! has read it or has dropped the account. Where an account has no record, its mark counts as one.

use sha2::{Digest as _, Sha256};
use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore, Version};

use super::internal::InternalEntry;

/// Returns the mark of an account that has no entry under `key`.
pub(super) async fn get(store: &dyn TokenStore, key: &Key) -> Result<Option<Entry>, StoreError> {
    store.get(&mark_of(key)).await
}

/// Writes `entry` if the entry under `key`, or the mark in its place, is at `expected`.
///
/// A first entry replaces a mark that was not read: it is that of a newer login, since clocks
/// differ by less than a login takes.
pub(super) async fn put(
    store: &dyn TokenStore,
    key: &Key,
    entry: &Entry,
    expected: Option<Version>,
) -> Result<Outcome, StoreError> {
    let outcome = store.put(key, entry, expected).await?;
    if outcome != Outcome::Conflict(None) {
        return Ok(outcome);
    }
    match get(store, key).await? {
        // It stays under the new entry, and is older.
        Some(mark) if Some(mark.version) == expected => store.put(key, entry, None).await,
        found => Ok(Outcome::Conflict(found)),
    }
}

/// Leaves `mark` for the account, and removes the entry under `key` if it is at `expected`.
pub(super) async fn forget(
    store: &dyn TokenStore,
    key: &Key,
    mark: &Entry,
    expected: Option<Version>,
) -> Result<Outcome, StoreError> {
    // In this order, a process that finds no entry finds the mark.
    match put_mark(store, &mark_of(key), mark).await {
        // It takes no further key. The mark stays in the record's place until it expires.
        Err(StoreError::Full) => return store.put(key, mark, expected).await,
        done => done?,
    }
    let Some(expected) = expected else {
        return Ok(Outcome::Applied);
    };
    match store.delete(key, expected).await? {
        // There was only an earlier mark, or an earlier call removed the entry.
        Outcome::Conflict(None) => Ok(Outcome::Applied),
        outcome => Ok(outcome),
    }
}

/// Writes a mark, whatever is there: a mark only gets newer.
async fn put_mark(store: &dyn TokenStore, key: &Key, mark: &Entry) -> Result<(), StoreError> {
    let mut expected = None;
    for _ in 0..TRIES {
        match store.put(key, mark, expected).await {
            Ok(Outcome::Applied) => return Ok(()),
            Ok(Outcome::Conflict(found)) => expected = found.map(|found| found.version),
            Err(error) if error.is_of_one_entry() => expected = store.version(key).await?,
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::unavailable(
        "other processes forget the account at the same time",
    ))
}

/// How often a mark is written that other processes write too.
const TRIES: u32 = 4;

/// Returns the key of an account's mark.
fn mark_of(key: &Key) -> Key {
    InternalEntry::Forgotten.key(key, Sha256::digest(key.to_bytes()))
}
