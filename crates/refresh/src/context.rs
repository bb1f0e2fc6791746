use std::time::Duration;

use tokenkeeper_store::Version;

use crate::{
    id::Id,
    instant::{EngineInstant, WallMillis},
    rules::Rules,
};

/// What one step of the machine may use: the clocks, fresh random numbers, and the rules.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The engine's clock: it never goes back, and it advances while the host sleeps.
    pub now: EngineInstant,
    /// The monotonic clock of this process, by which other processes' leases are judged.
    pub monotonic: Duration,
    /// The wall clock.
    pub wall: WallMillis,
    /// Fresh ids: for an attempt of the refresh job, and for an authorization of a change.
    pub ids: [Id; 2],
    /// The version that a write of this step creates.
    pub version: Version,
    /// A random number for jitter, as a fraction of 65,536.
    pub roll: u16,
    /// The engine is closing, so waits are short.
    pub closing: bool,
    /// The store notifies of changes, and since this time of every one; `None`: it does not.
    pub watched_since: Option<EngineInstant>,
    /// What the options and the provider's dialect prescribe.
    pub rules: &'a Rules,
}

impl Context<'_> {
    /// Returns how long memory may be used after a comparison at this time. While the store
    /// notifies of every change, a comparison is needed rarely.
    pub(crate) fn revalidation(&self, compared_at: EngineInstant) -> Duration {
        match self.watched_since {
            // The answer may be as old as its call.
            Some(since) if compared_at >= since.after(self.rules.store_timeout) => {
                self.rules.watched_revalidation
            }
            _ => self.rules.revalidation,
        }
    }

    /// Converts a wall-clock time to the engine's clock.
    pub(crate) fn instant(&self, wall: WallMillis) -> EngineInstant {
        if wall >= self.wall {
            EngineInstant(self.now.0.saturating_add(wall - self.wall))
        } else {
            EngineInstant(self.now.0.saturating_sub(self.wall - wall))
        }
    }

    /// Returns the roll as a fraction in `0.0..1.0`.
    pub(crate) fn roll(&self) -> f64 {
        f64::from(self.roll) / 65_536.0
    }
}
