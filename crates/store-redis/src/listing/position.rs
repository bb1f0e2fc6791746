//! Places in a listing.

use crate::layout::{BUCKETS, ID};

/// The place of an item in a listing: the order of all items, whichever servers have them.
///
/// The score is the due time in milliseconds, and in other listings the first digits of the id as a
/// number. Items that are added or removed do not shift a position, and neither does a bucket that
/// moves to another server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) score: u64,
    pub(super) bucket: u8,
    pub(super) id: String,
}

/// How many digits of an id are the score of an item without a due time.
const SCORED: usize = 13;

impl Position {
    /// # Errors
    /// `None` for an id that is none, or a bucket that does not exist.
    pub(super) fn new(score: Option<u64>, bucket: u8, id: &[u8]) -> Option<Self> {
        let id = str::from_utf8(id).ok()?;
        let is_id = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id || bucket >= BUCKETS {
            return None;
        }
        let score = match score {
            Some(score) => score,
            None => u64::from_str_radix(&id[..SCORED], 16).ok()?,
        };
        Some(Self {
            score,
            bucket,
            id: id.to_owned(),
        })
    }

    /// Returns the bytes of a cursor: a letter for the listing, score (8 bytes), bucket, and id.
    pub(super) fn to_bytes(&self, letter: u8) -> Vec<u8> {
        let score = self.score.to_be_bytes();
        [&[letter][..], &score, &[self.bucket], self.id.as_bytes()].concat()
    }

    /// Reads the bytes of a cursor; `None` if they are not of a listing with this letter.
    pub(super) fn from_bytes(bytes: &[u8], letter: u8) -> Option<Self> {
        let (score, rest) = bytes.strip_prefix(&[letter])?.split_first_chunk()?;
        let (bucket, id) = rest.split_first()?;
        Self::new(Some(u64::from_be_bytes(*score)), *bucket, id)
    }
}
