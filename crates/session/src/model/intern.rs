//! Tables that keep each distinct machine, record and message once, so that a state of the world is a few small numbers.
//!
//! Versions and ids are numbers below 64. A number that nothing in the world refers to any more cannot be told from a new one, so
//! the least such number is taken for the next write: states that differ only in names mostly fall together.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hash, Hasher},
    rc::Rc,
};

/// Which versions, which ids and which tokens something refers to, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) versions: u64,
    pub(super) ids: u64,
    /// Eight of each family.
    pub(super) tokens: u32,
}

impl Names {
    pub(super) fn of<T: Hash>(value: &T) -> Self {
        let mut names = Self::default();
        value.hash(&mut names);
        names
    }

    pub(super) fn add(&mut self, other: Self) {
        self.versions |= other.versions;
        self.ids |= other.ids;
        self.tokens |= other.tokens;
    }

    /// The least version that is not referred to; 0 is never one.
    pub(super) fn free_version(self) -> u8 {
        free(self.versions)
    }

    pub(super) fn free_id(self) -> u8 {
        free(self.ids)
    }
}

fn free(taken: u64) -> u8 {
    let free = (taken | 1).trailing_ones();
    assert!(
        free < 64,
        "a bounded world refers to few versions and ids at once"
    );
    free as u8
}

/// The last byte of every version, by which it is told from an id.
pub(super) const VERSION_MARK: u8 = 0xA7;

/// Collects names instead of hashing: a version is hashed as its 16 bytes, an id as a `u128`, and a list of ids as all their bytes.
impl Hasher for Names {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks_exact(16) {
            if chunk[15] == VERSION_MARK {
                self.versions |= 1 << chunk[0];
            } else if let Ok(id) = chunk.try_into() {
                self.write_u128(u128::from_ne_bytes(id));
            }
        }
    }

    fn write_u128(&mut self, id: u128) {
        if (1..64).contains(&id) {
            self.ids |= 1 << id;
        }
    }

    fn write_u16(&mut self, token: u16) {
        self.tokens |= 1 << (token >> 4 << 3 | token & 7);
    }

    fn write_u8(&mut self, _: u8) {}
    fn write_u32(&mut self, _: u32) {}
    fn write_u64(&mut self, _: u64) {}
    fn write_usize(&mut self, _: usize) {}
    fn write_isize(&mut self, _: isize) {}

    fn finish(&self) -> u64 {
        0
    }
}

/// Each distinct value once; number 0 is nothing.
pub(super) struct Table<T> {
    numbers: HashMap<Rc<T>, u32, BuildHasherDefault<Mix>>,
    values: Vec<(Rc<T>, Names)>,
}

impl<T: Hash + Eq> Table<T> {
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::default(),
            values: Vec::new(),
        }
    }

    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let value = Rc::new(value);
        self.values.push((value.clone(), Names::of(&*value)));
        let number = u32::try_from(self.values.len()).expect("fewer than 2^32 values");
        self.numbers.insert(value, number);
        number
    }

    pub(super) fn value(&self, number: u32) -> Option<Rc<T>> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        Some(self.values[index].0.clone())
    }

    pub(super) fn names(&self, number: u32) -> Names {
        match number.checked_sub(1) {
            Some(index) => self.values[index as usize].1,
            None => Names::default(),
        }
    }
}

/// A fast hash of small numbers. Two of them with different seeds make the 128 bits by which visited states are known.
#[derive(Clone, Copy)]
pub(super) struct Mix(u64);

impl Mix {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        let (low, high) = (product as u64, (product >> 64) as u64);
        self.0 = low.rotate_left(23) ^ high ^ 0xD6E8_FEB8_6659_FD93;
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self(0x243F_6A88_85A3_08D3)
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.fold(u64::from(n));
    }

    fn write_u16(&mut self, n: u16) {
        self.fold(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.fold(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.fold(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.fold(n as u64);
    }

    fn write_u128(&mut self, n: u128) {
        self.fold(n as u64);
        self.fold((n >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        let mut end = *self;
        end.fold(0x1319_8A2E_0370_7344);
        end.0
    }
}
