//! The names in a value: the versions, ids and tokens that it refers to.
//!
//! Versions and ids are numbers below 64. What is named how makes no difference, so a value is
//! known by its shape, which is a hash that leaves names out, and by its names in order.

use std::hash::{Hash, Hasher};

use tokenkeeper_refresh::Id;
use tokenkeeper_store::Version;

use super::mix::Pair;

/// A version or an id; 0: none.
pub(crate) type Name = u8;

/// The version with this number.
pub(crate) fn version(number: u8) -> Version {
    let mut bytes = [0; 16];
    (bytes[0], bytes[15]) = (number, VERSION_MARK);
    Version::from_bytes(bytes)
}

/// The id with this number.
pub(crate) fn id(number: u8) -> Id {
    let mut bytes = [0; 16];
    (bytes[0], bytes[15]) = (number, ID_MARK);
    Id(bytes)
}

/// The number of an id.
pub(crate) fn number(id: Id) -> u8 {
    id.0[0]
}

/// The name of an id, as it stands among the names of a value.
pub(crate) fn name_of_id(number: u8) -> Name {
    match number {
        0 => 0,
        number => IDS + number,
    }
}

/// The last byte of every version and every id, by which they are told apart.
const VERSION_MARK: u8 = 0xA7;
const ID_MARK: u8 = 0xA5;
/// Names from here on are ids.
const IDS: Name = 64;
pub(crate) const NAMES: usize = 128;

/// What something refers to, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) versions: u64,
    pub(crate) ids: u64,
    /// Eight of each family.
    pub(crate) tokens: u64,
}

impl Mask {
    pub(crate) fn add(&mut self, other: Self) {
        self.versions |= other.versions;
        self.ids |= other.ids;
        self.tokens |= other.tokens;
    }

    pub(crate) fn add_id(&mut self, number: u8) {
        self.ids |= 1 << number;
    }

    /// A version that nothing refers to.
    pub(crate) fn free_version(self) -> u8 {
        free(self.versions)
    }

    /// Two ids that nothing refers to.
    pub(crate) fn free_ids(self) -> [u8; 2] {
        let first = free(self.ids);
        [first, free(self.ids | 1 << first)]
    }
}

fn free(taken: u64) -> u8 {
    let free = (taken | 1).trailing_ones();
    assert!(free < 64, "a bounded world refers to few names at once");
    free as u8
}

/// Collects the names of a value instead of hashing it.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) shape: Pair,
    pub(crate) list: Vec<Name>,
    pub(crate) mask: Mask,
}

impl Names {
    pub(crate) fn of<T: Hash>(value: &T) -> Self {
        let mut names = Self::default();
        value.hash(&mut names);
        names
    }
}

impl Hasher for Names {
    fn write(&mut self, bytes: &[u8]) {
        match bytes {
            [number, .., VERSION_MARK] if bytes.len() == 16 => {
                self.mask.versions |= 1 << number;
                self.list.push(*number);
            }
            [number, .., ID_MARK] if bytes.len() == 16 => {
                self.mask.ids |= 1 << number;
                self.list.push(IDS + number);
            }
            _ => self.shape.write(bytes),
        }
    }

    fn write_u16(&mut self, token: u16) {
        self.mask.tokens |= 1 << (token >> 4 << 3 | token & 7);
        self.shape.write_u16(token);
    }

    fn write_u8(&mut self, n: u8) {
        self.shape.write_u8(n);
    }

    fn write_u32(&mut self, n: u32) {
        self.shape.write_u32(n);
    }

    fn write_u64(&mut self, n: u64) {
        self.shape.write_u64(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.shape.write_usize(n);
    }

    fn write_isize(&mut self, n: isize) {
        self.shape.write_isize(n);
    }

    fn finish(&self) -> u64 {
        self.shape.finish()
    }
}
