//! What most accounts have nothing of, most of the time: it is kept apart, so that the others are small.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::slot::Inner;
use crate::{Error, clock::Ticks, source::Stamp};

/// What is there of it for one account.
#[derive(Default)]
pub(crate) struct Rare {
    /// Attempts of ours that may still stand in the store though they are over.
    pub(crate) released: Vec<u128>,
    pub(crate) rejections: Option<Rejections>,
    pub(crate) store_trouble: Option<StoreTrouble>,
    /// Why the current token cannot be attached.
    pub(crate) unattachable: Option<Error>,
    /// A task finishes the revocation that a tombstone asks for.
    pub(crate) revoking: bool,
    /// For those who watch the store: it told of a change while a flight is under way.
    told: Option<Arc<Notify>>,
}

/// The store failed, or has a record that cannot be read; nothing is asked of it before `until`.
#[derive(Clone)]
pub(crate) struct StoreTrouble {
    pub(crate) until: Ticks,
    pub(crate) error: Error,
    pub(super) failures: u32,
}

/// What rejections by the API have led to.
#[derive(Default)]
pub(crate) struct Rejections {
    /// The token set that a rejection brought and that no response has accepted yet.
    pub(crate) trial: Option<Stamp>,
    pub(crate) held_off_until: Option<Ticks>,
    pub(crate) wait: Duration,
}

impl Inner {
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Something rare is over.
    pub(crate) fn over(&mut self, end: impl FnOnce(&mut Rare)) {
        if let Some(rare) = &mut self.rare {
            end(rare);
            if rare.is_nothing() {
                self.rare = None;
            }
        }
    }

    pub(crate) fn released(&self) -> Vec<u128> {
        let rare = self.rare.as_ref();
        rare.map(|rare| rare.released.clone()).unwrap_or_default()
    }

    pub(crate) fn rejections(&self) -> Option<&Rejections> {
        self.rare.as_ref()?.rejections.as_ref()
    }

    pub(crate) fn rejections_mut(&mut self) -> Option<&mut Rejections> {
        self.rare.as_mut()?.rejections.as_mut()
    }

    pub(crate) fn store_trouble(&self) -> Option<&StoreTrouble> {
        self.rare.as_ref()?.store_trouble.as_ref()
    }

    pub(crate) fn unattachable(&self) -> Option<&Error> {
        self.rare.as_ref()?.unattachable.as_ref()
    }

    pub(crate) fn is_revoking(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.revoking)
    }

    /// Wakes when the store tells of a change.
    pub(crate) fn told(&mut self) -> Arc<Notify> {
        self.rare().told.get_or_insert_default().clone()
    }

    /// Wakes those who watch the store.
    pub(crate) fn tell(&self) {
        let rare = self.rare.as_ref();
        if let Some(told) = rare.and_then(|rare| rare.told.as_ref()) {
            told.notify_waiters();
        }
    }
}

impl Rare {
    fn is_nothing(&self) -> bool {
        let watched = |told: &Arc<Notify>| Arc::strong_count(told) > 1;
        self.released.is_empty()
            && self.rejections.is_none()
            && self.store_trouble.is_none()
            && self.unattachable.is_none()
            && !self.revoking
            && !self.told.as_ref().is_some_and(watched)
    }
}
