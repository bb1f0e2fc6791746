//! The filter, the cursor and the pages of a listing.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use crate::{Entry, Key, StoreError};

/// The entries whose keys a [listing](crate::TokenStore::list) returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// All entries.
    All,
    /// Entries that are due before this time.
    DueBefore(SystemTime),
    /// Entries that need attention.
    Attention,
}

impl Filter {
    /// Returns whether the filter accepts `entry`, for stores that check each entry.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        match *self {
            Self::All => true,
            Self::DueBefore(time) => entry.due.is_some_and(|due| due < time),
            Self::Attention => entry.attention,
        }
    }
}

/// The place at which a listing continues, in opaque bytes that only the same store can read.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// Creates a cursor from bytes, for stores.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Returns its bytes, for stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may hold the subject of a key.
        write!(f, "Cursor(<{} bytes>)", self.0.len())
    }
}

/// A page of a listing.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// The keys, at most as many as the limit; a page may be short or empty without being the
    /// last.
    pub keys: Vec<Key>,
    /// The cursor of the next page; `None` on the last one.
    pub next: Option<Cursor>,
    /// An error for each part of the store that this page could not read, such as a server of a
    /// cluster. The listing goes on without that part; empty if the page is whole.
    pub unread: Vec<StoreError>,
}

impl Page {
    /// Creates a whole page, for stores.
    #[must_use]
    pub const fn new(keys: Vec<Key>, next: Option<Cursor>) -> Self {
        Self {
            keys,
            next,
            unread: Vec::new(),
        }
    }

    /// Sets the errors of the parts that the page could not read, for stores.
    #[must_use]
    pub fn with_unread(mut self, unread: Vec<StoreError>) -> Self {
        self.unread = unread;
        self
    }
}
