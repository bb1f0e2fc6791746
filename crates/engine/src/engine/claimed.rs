//! Codes of logins that are claimed next to a record that cannot be read.
//!
//! A login claims its code in the account's record. If that cannot be read it stays as it is until
//! tokens have come, so the claim is a separate entry, under a digest of account and flow. It is
//! never taken over, and the store forgets it after a day.

use sha2::{Digest as _, Sha256};
use tokenkeeper_refresh::Id;
use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore};

use super::internal::InternalEntry;

/// Writes the claim of a flow, unless there is one.
pub(super) async fn put(
    store: &dyn TokenStore,
    key: &Key,
    flow: Id,
    claim: &Entry,
) -> Result<Outcome, StoreError> {
    store.put(&claim_of(key, flow), claim, None).await
}

/// Returns the key of a flow's claim.
fn claim_of(key: &Key, flow: Id) -> Key {
    let mut hash = Sha256::new();
    hash.update(key.to_bytes());
    hash.update(flow.0);
    InternalEntry::Claimed.key(key, hash.finalize())
}
