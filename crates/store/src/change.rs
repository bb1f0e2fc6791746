//! What a watcher is told.

use crate::entry::Version;
use crate::key::Key;

/// A change that a store tells of: [`TokenStore::watch`](crate::TokenStore::watch).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Change {
    /// What was changed.
    pub key: Key,
    /// The version that was written, so that whoever has it already need not look. `None`: the entry was removed, or the
    /// store cannot say.
    pub version: Option<Version>,
}

impl Change {
    /// `key` was changed; it is at `version` now, as far as the store can say.
    #[must_use]
    pub fn new(key: Key, version: impl Into<Option<Version>>) -> Self {
        Self {
            key,
            version: version.into(),
        }
    }
}
