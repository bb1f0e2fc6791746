//! Tables that store each distinct account, record and message once, so that a state of the world
//! is a few small numbers.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hash, Hasher},
    rc::Rc,
};

use super::{
    hash::{Hash64, Hash128},
    names::{Mask, Name, Names},
};

/// An interning table; number 0 means no value. Values are identified by a 128-bit hash.
pub(crate) struct Table<T> {
    numbers: HashMap<u128, u32, BuildHasherDefault<Hash64>>,
    values: Vec<Entry<T>>,
}

/// An interned value, with what its hasher collected.
struct Entry<T> {
    value: Rc<T>,
    shape: u128,
    names: Box<[Name]>,
    mask: Mask,
}

impl<T: Hash> Table<T> {
    pub(crate) fn new() -> Self {
        Self {
            numbers: HashMap::default(),
            values: Vec::new(),
        }
    }

    pub(crate) fn intern(&mut self, value: T) -> u32 {
        let names = Names::of(&value);
        let shape = names.shape.key();
        let mut key = Hash128::default();
        key.write_u128(shape);
        key.write(&names.list);
        let fresh = u32::try_from(self.values.len() + 1).expect("fewer than 2^32 values");
        let number = *self.numbers.entry(key.key()).or_insert(fresh);
        if number == fresh {
            self.values.push(Entry {
                value: Rc::new(value),
                shape,
                names: names.list.into(),
                mask: names.mask,
            });
        }
        number
    }

    pub(crate) fn value(&self, number: u32) -> Option<Rc<T>> {
        Some(self.entry(number)?.value.clone())
    }

    pub(crate) fn mask(&self, number: u32) -> Mask {
        self.entry(number)
            .map_or_else(Mask::default, |entry| entry.mask)
    }

    /// Returns a hash of the value that leaves out its names.
    pub(crate) fn shape(&self, number: u32) -> u128 {
        self.entry(number).map_or(0, |entry| entry.shape)
    }

    pub(crate) fn names(&self, number: u32) -> &[Name] {
        self.entry(number).map_or(&[], |entry| &entry.names)
    }

    fn entry(&self, number: u32) -> Option<&Entry<T>> {
        self.values.get(number.checked_sub(1)? as usize)
    }
}
