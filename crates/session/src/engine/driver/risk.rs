//! What an answer said and would be lost if its task ended now.

use std::sync::{Arc, atomic::Ordering};

use tokenkeeper_store::Version;

use crate::{
    EventKind,
    engine::{Core, Slot, keep},
    machine::Stored,
    record::{Held, Record},
};

/// A task has tokens, or knows that they were refused, and it is not in the store; or it may soon. Where it ends all the same, by a panic or with its runtime,
/// memory takes over what it had in hand, and the next comparison writes it.
pub(super) struct AtRisk {
    core: Arc<Core>,
    slot: Arc<Slot>,
    /// What memory does not have yet.
    in_hand: Option<Record<Held>>,
}

impl AtRisk {
    pub(super) fn enter(core: &Arc<Core>, slot: &Arc<Slot>) -> Self {
        slot.at_risk.fetch_add(1, Ordering::AcqRel);
        Self {
            core: core.clone(),
            slot: slot.clone(),
            in_hand: None,
        }
    }

    pub(super) fn holds(&mut self, in_hand: Option<Record<Held>>) {
        self.in_hand = in_hand;
    }

    /// The store or memory has all that was in hand.
    pub(super) fn over(mut self) {
        self.in_hand = None;
    }
}

impl Drop for AtRisk {
    fn drop(&mut self) {
        if let Some(record) = self.in_hand.take() {
            let version = Version::random();
            keep::take(&self.core, &self.slot, Stored { version, record }, false);
            self.core.emit(&self.slot, EventKind::StoreBehind);
        }
        self.slot.at_risk.fetch_sub(1, Ordering::AcqRel);
    }
}
