//! The origins of the providers' APIs.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use tokenkeeper_protocol::Origin;

/// The API origins of all providers and sites: a set, since every request without an account looks
/// up its target.
#[derive(Debug, Default)]
pub(crate) struct Origins(RwLock<HashSet<Origin>>);

impl Origins {
    pub(crate) fn add<'a>(&self, origins: impl Iterator<Item = &'a Origin>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(origins.cloned());
    }

    pub(super) fn contain(&self, origin: &Origin) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(origin)
    }
}
