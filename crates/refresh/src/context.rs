use std::time::Duration;

use tokenkeeper_store::Version;

use crate::{
    id::Id,
    instant::{EngineInstant, WallMillis},
    rules::Rules,
};

/// What a step may draw on: the clocks, fresh random numbers, and the rules.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The engine's clock: it never goes back, and does not stand still while the machine sleeps.
    pub now: EngineInstant,
    /// The monotonic clock of the process alone: leases of others are judged by it.
    pub monotonic: Duration,
    /// The wall clock.
    pub wall: WallMillis,
    /// For a new attempt or authorization of the refresh job, and of a change job.
    pub ids: [Id; 2],
    /// For a write.
    pub version: Version,
    /// A fraction of 65,536, for jitter.
    pub roll: u16,
    /// The engine is closing: no wait is long.
    pub closing: bool,
    /// The store tells of changes.
    pub notified: bool,
    /// What the provider and the options ask for.
    pub rules: &'a Rules,
}

impl Context<'_> {
    /// Where a time of day lies on the engine's clock.
    pub(crate) fn instant(&self, wall: WallMillis) -> EngineInstant {
        if wall >= self.wall {
            EngineInstant(self.now.0.saturating_add(wall - self.wall))
        } else {
            EngineInstant(self.now.0.saturating_sub(self.wall - wall))
        }
    }

    /// A fraction in `0.0..1.0`.
    pub(crate) fn roll(&self) -> f64 {
        f64::from(self.roll) / 65_536.0
    }
}
