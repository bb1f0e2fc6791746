//! The names in a value: the versions, ids and tokens that it refers to.
//!
//! Versions and ids are numbers below 64. Which number a name has makes no difference, so a value
//! is identified by its shape (a hash that leaves names out) and by its names in order.

use std::hash::{Hash, Hasher};

use tokenkeeper_refresh::Id;
use tokenkeeper_store::Version;

use super::hash::Hash128;

/// A version or an id; 0: none.
pub(crate) type Name = u8;

/// Returns the version with this number.
pub(crate) fn version(number: u8) -> Version {
    let mut bytes = [0; 16];
    (bytes[0], bytes[15]) = (number, VERSION_MARK);
    Version::from_bytes(bytes)
}

/// Returns the id with this number.
pub(crate) fn id(number: u8) -> Id {
    let mut bytes = [0; 16];
    (bytes[0], bytes[15]) = (number, ID_MARK);
    Id(bytes)
}

/// Returns the number of an id.
pub(crate) fn number(id: Id) -> u8 {
    id.0[0]
}

/// Returns the name of an id.
pub(crate) fn name_of_id(number: u8) -> Name {
    match number {
        0 => 0,
        number => IDS + number,
    }
}

/// The last byte of every version and of every id, which distinguishes them.
const VERSION_MARK: u8 = 0xA7;
const ID_MARK: u8 = 0xA5;
/// Names from here on are ids.
const IDS: Name = 64;
pub(crate) const NAMES: usize = 128;

/// A set of names, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) versions: u64,
    pub(crate) ids: u64,
    /// Eight bits per family.
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

    /// Returns an unused version.
    pub(crate) fn free_version(self) -> u8 {
        free(self.versions)
    }

    /// Returns two unused ids.
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

/// A hasher that collects the names of a value and hashes the rest.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) shape: Hash128,
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
