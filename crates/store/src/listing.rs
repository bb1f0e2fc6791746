//! What a listing asks for and what it returns.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use crate::{Entry, Key};

/// Which entries a [listing](crate::TokenStore::list) returns the keys of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// All of them.
    All,
    /// Those that are due before this time.
    DueBefore(SystemTime),
    /// Those that need attention.
    Attention,
}

impl Filter {
    /// Whether `entry` passes the filter, for stores that look at each entry.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        match *self {
            Self::All => true,
            Self::DueBefore(time) => entry.due.is_some_and(|due| due < time),
            Self::Attention => entry.attention,
        }
    }
}

/// Where a listing goes on: opaque bytes that the store made and only the same store can read.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// For stores: a cursor that holds `bytes`.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// For stores: what it holds.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be those of a key, with its subject.
        write!(f, "Cursor(<{} bytes>)", self.0.len())
    }
}

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The keys, no more than were asked for; a page may be short, or empty, and yet not be the last.
    pub keys: Vec<Key>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Cursor>,
}
