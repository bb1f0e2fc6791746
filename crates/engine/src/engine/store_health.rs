//! What the log says about the store: an outage is logged when it begins and when it is over.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokenkeeper_refresh::EngineInstant;
use tokenkeeper_store::{ErrorChain, StoreError};

use crate::episode::Episode;

/// Whether the store works, as all calls of this process have seen it.
#[derive(Debug, Default)]
pub(crate) struct StoreHealth {
    episode: Episode,
    /// Whether writes fail, so that a successful read does not end the episode.
    writes_fail: AtomicBool,
    /// The accounts whose newest tokens are only in memory, and those that came to be since the
    /// log last said so.
    behind: AtomicUsize,
    behind_episode: Episode,
    /// Records that the store had lost.
    restored: Episode,
}

/// The kind of a call to the store; a listing is a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
}

impl Call {
    /// Returns its name, for labels.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl StoreHealth {
    /// Counts a failed call, and logs it if the store worked before.
    pub(crate) fn note_failure(&self, call: Call, error: &StoreError, now: EngineInstant) {
        if call == Call::Write {
            self.writes_fail.store(true, Ordering::Relaxed);
        }
        if self.episode.note_failure(now) {
            let error = ErrorChain::of(error);
            tracing::warn!(?call, %error, "the store fails; further failures are counted");
        }
    }

    /// Notes a call that succeeded, and logs it if the store failed before.
    pub(crate) fn note_success(&self, call: Call, now: EngineInstant) {
        if call == Call::Read && self.writes_fail.load(Ordering::Relaxed) {
            return;
        }
        if call == Call::Write && self.behind.load(Ordering::Relaxed) == 0 {
            self.end_behind(now);
        }
        if let Some(ended) = self.episode.note_success(now) {
            self.writes_fail.store(false, Ordering::Relaxed);
            let (failures, lasted) = (ended.failures, ended.lasted);
            tracing::info!(failures, ?lasted, "the store works again");
        }
    }

    /// Notes an account whose new tokens could not be written, and logs the first one.
    pub(crate) fn note_behind(&self, now: EngineInstant) {
        self.behind.fetch_add(1, Ordering::Relaxed);
        if self.behind_episode.note_failure(now) {
            tracing::warn!(
                "new tokens are only in memory, since the store did not take them; further \
                 accounts are counted"
            );
        }
    }

    /// Notes that the tokens of such an account are written.
    pub(crate) fn note_caught_up(&self) {
        // The count never goes below zero: an account catches up only if it was behind.
        let _ = self
            .behind
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |behind| {
                behind.checked_sub(1)
            });
    }

    fn end_behind(&self, now: EngineInstant) {
        if let Some(ended) = self.behind_episode.note_success(now) {
            let (accounts, lasted) = (ended.failures, ended.lasted);
            tracing::info!(accounts, ?lasted, "all tokens are in the store again");
        }
    }

    /// Counts a record that the store had lost. Returns whether it must be logged.
    pub(crate) fn note_restored(&self, now: EngineInstant) -> bool {
        self.restored.note_failure(now)
    }
}
