//! Cold per-account state, boxed so the common case stays small.

use std::{
    hash::{Hash, Hasher},
    ops::{Deref, DerefMut},
};

use serde::{Serialize, Serializer};

/// A value that is usually empty: it takes one pointer until something is written into it, and
/// dereferences to the value.
#[derive(Clone, Debug)]
pub struct Rare<T>(Option<Box<T>>);

/// A value that can be empty.
pub trait Empty: Default {
    /// Returns the empty value.
    fn empty<'a>() -> &'a Self
    where
        Self: 'a;

    /// Returns whether the value is empty.
    fn is_empty(&self) -> bool;
}

impl<T: Empty> Rare<T> {
    /// Wraps a value, in a box unless it is empty.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self((!value.is_empty()).then(|| Box::new(value)))
    }

    /// Drops the box if the value has become empty.
    pub(crate) fn tidy(&mut self) {
        self.0.take_if(|value| value.is_empty());
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::empty())
    }
}

impl<T: Empty> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

/// An empty value equals no value.
impl<T: Empty + PartialEq> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Empty + Eq> Eq for Rare<T> {}

impl<T: Empty + Hash> Hash for Rare<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: Empty + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}
