//! What the log says about the store: an outage is logged when it begins and when it is over.

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
};

use tokenkeeper_refresh::EngineInstant;
use tokenkeeper_store::StoreError;

use crate::episode::Episode;

/// Whether the store works, as all calls of this process have seen it.
#[derive(Debug, Default)]
pub(crate) struct StoreHealth {
    episode: Episode,
    /// Whether writes fail, so that a successful read does not end the episode.
    writes_fail: AtomicBool,
}

/// The kind of a call to the store; a listing is a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
}

impl StoreHealth {
    /// Counts a failed call, and logs it if the store worked before.
    pub(crate) fn note_failure(&self, call: Call, error: &StoreError, now: EngineInstant) {
        if call == Call::Write {
            self.writes_fail.store(true, Ordering::Relaxed);
        }
        if self.episode.note_failure(now) {
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(?call, %error, cause, "the store fails; further failures are counted");
        }
    }

    /// Notes a call that succeeded, and logs it if the store failed before.
    pub(crate) fn note_success(&self, call: Call, now: EngineInstant) {
        if call == Call::Read && self.writes_fail.load(Ordering::Relaxed) {
            return;
        }
        if let Some(ended) = self.episode.note_success(now) {
            self.writes_fail.store(false, Ordering::Relaxed);
            let (failures, lasted) = (ended.failures, ended.lasted);
            tracing::info!(failures, ?lasted, "the store works again");
        }
    }
}
