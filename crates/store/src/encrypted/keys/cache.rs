//! A bounded cache of data keys.

use std::collections::HashMap;
use std::mem;

use super::super::keyring::EncryptionKey;
use super::service::WrappedKey;
use crate::Key;

/// The data key of an entry, and its wrapped form.
#[derive(Clone, Debug)]
pub(super) struct DataKey {
    pub(super) wrapped: WrappedKey,
    pub(super) secret: EncryptionKey,
}

/// The data keys of the entries that were used last. What is dropped is wiped.
///
/// It has two halves: a key that is used goes to the first, and the second, which holds what was
/// used longest ago, is dropped when the first is full.
#[derive(Debug)]
pub(super) struct DataKeys {
    capacity: usize,
    recent: HashMap<Key, DataKey>,
    older: HashMap<Key, DataKey>,
}

impl DataKeys {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            recent: HashMap::new(),
            older: HashMap::new(),
        }
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(2);
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<DataKey> {
        if let Some(found) = self.recent.get(key) {
            return Some(found.clone());
        }
        let found = self.older.remove(key)?;
        self.insert(key.clone(), found.clone());
        Some(found)
    }

    pub(super) fn insert(&mut self, key: Key, data_key: DataKey) {
        self.older.remove(&key);
        self.recent.insert(key, data_key);
        if self.recent.len() >= self.capacity / 2 {
            self.older = mem::take(&mut self.recent);
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.recent.remove(key);
        self.older.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        Key::new(
            "brand",
            "https://provider.example",
            "client",
            &n.to_string(),
        )
        .expect("a valid key")
    }

    fn data_key() -> DataKey {
        DataKey {
            wrapped: WrappedKey::new("id", b"wrapped".as_slice()).expect("short"),
            secret: EncryptionKey::random(),
        }
    }

    #[test]
    fn the_keys_that_were_used_last_stay_within_the_bound() {
        let mut keys = DataKeys::new(8);
        for n in 0..100 {
            keys.insert(key(n), data_key());
            assert!(keys.get(&key(0)).is_some(), "used each time");
            assert!(keys.recent.len() + keys.older.len() <= 8);
        }
        for n in 98..100 {
            assert!(keys.get(&key(n)).is_some(), "{n}");
        }
        assert!(keys.get(&key(50)).is_none());
    }

    #[test]
    fn a_removed_key_is_gone_from_both_halves() {
        let mut keys = DataKeys::new(4);
        for n in 0..3 {
            keys.insert(key(n), data_key());
        }
        for n in 0..3 {
            keys.remove(&key(n));
            assert!(keys.get(&key(n)).is_none());
        }
    }
}
