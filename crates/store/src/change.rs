//! Changes, as watchers receive them.

use crate::entry::Version;
use crate::key::Key;

/// A change of an entry, as [`TokenStore::watch`](crate::TokenStore::watch) returns it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Change {
    /// The key of the changed entry.
    pub key: Key,
    /// The written version, so that a watcher that has it already need not read.
    ///
    /// `None`: the entry was removed, or the store does not know.
    pub version: Option<Version>,
}

impl Change {
    /// Creates a change of `key`, which is now at `version`, if the store knows it.
    #[must_use]
    pub fn new(key: Key, version: impl Into<Option<Version>>) -> Self {
        Self {
            key,
            version: version.into(),
        }
    }
}
