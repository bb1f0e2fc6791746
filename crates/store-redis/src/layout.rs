//! The names in Redis.
//!
//! Records are spread over [`BUCKETS`] buckets, and a bucket's number is the hash tag of all its
//! names. So a record and its index are in one slot of a cluster, where one script can change both,
//! and the buckets are spread over the nodes.
//!
//! ```text
//! tokenkeeper:{17}:5f0c…      a record: 40 hex digits of its key's digest, of which logs show 16
//! tokenkeeper:{17}:keys       the ids of the bucket's records, all with score 0
//! tokenkeeper:{17}:due        the ids with a due time, scored by it
//! tokenkeeper:{17}:attention  the ids that need attention, all with score 0
//! tokenkeeper:{17}:expiring   the ids with a keep_until, scored by it
//! tokenkeeper:changes         the channel for changes
//! ```

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tokenkeeper_store::Key;

/// The number of buckets. With another number, existing records would not be found.
pub(crate) const BUCKETS: u8 = 64;

/// The number of hexadecimal digits of an id.
pub(crate) const ID: usize = 40;

/// The names under one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) prefix: String,
}

/// The bucket and the id of a record.
pub(crate) struct Place {
    pub(crate) bucket: u8,
    pub(crate) id: String,
}

impl Layout {
    pub(crate) fn place(&self, key: &Key) -> Place {
        let digest: [u8; 32] = Sha256::digest(key.to_bytes()).into();
        let mut id = String::with_capacity(ID);
        for byte in &digest[..ID / 2] {
            write!(id, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Place {
            // A byte outside of the id, so that the ids of a bucket are spread evenly.
            bucket: digest[31] % BUCKETS,
            id,
        }
    }

    pub(crate) fn record(&self, place: &Place) -> String {
        format!("{}{}", self.base(place.bucket), place.id)
    }

    /// Returns the prefix of a bucket's names.
    pub(crate) fn base(&self, bucket: u8) -> String {
        format!("{}{{{bucket}}}:", self.prefix)
    }

    pub(crate) fn channel(&self) -> String {
        format!("{}changes", self.prefix)
    }
}
