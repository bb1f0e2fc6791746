//! The names of what is kept in Redis.
//!
//! Records are spread over [`BUCKETS`] buckets, and a bucket's number is the hash tag of all its names. So a record and the
//! index that it is in are in one slot of a cluster, where one script can change both, and the buckets of a cluster are on
//! all of its servers.
//!
//! ```text
//! tokenkeeper:{17}:5f0c…   a record, under 40 hexadecimal digits of its key's digest: the first 16 are those in the logs
//! tokenkeeper:{17}:keys    the ids of the bucket's records, all with score 0
//! tokenkeeper:{17}:due         those that have a due time, by it
//! tokenkeeper:{17}:attention   those that need attention, all with score 0
//! tokenkeeper:{17}:expiring    those that may be forgotten, by when
//! tokenkeeper:changes      the channel that tells of changes
//! ```

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tokenkeeper_store::Key;

/// How many buckets there are. Another number would not find the records that are there.
pub(crate) const BUCKETS: u8 = 64;

/// How many hexadecimal digits an id has.
pub(crate) const ID: usize = 40;

/// Makes names.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) prefix: String,
}

/// Where a record is.
pub(crate) struct Place {
    pub(crate) bucket: u8,
    pub(crate) id: String,
}

impl Layout {
    pub(crate) fn place(&self, key: &Key) -> Place {
        let digest: [u8; 32] = Sha256::digest(key.to_bytes()).into();
        let mut id = String::with_capacity(ID);
        for byte in &digest[..ID / 2] {
            write!(id, "{byte:02x}").expect("a string takes what is written");
        }
        Place {
            // A byte that is not in the id, so that a bucket's ids are spread evenly.
            bucket: digest[31] % BUCKETS,
            id,
        }
    }

    pub(crate) fn record(&self, place: &Place) -> String {
        format!("{}{}", self.base(place.bucket), place.id)
    }

    /// What the names of a bucket begin with.
    pub(crate) fn base(&self, bucket: u8) -> String {
        format!("{}{{{bucket}}}:", self.prefix)
    }

    pub(crate) fn channel(&self) -> String {
        format!("{}changes", self.prefix)
    }
}
