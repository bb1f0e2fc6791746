use std::time::Duration;

/// Milliseconds since the Unix epoch, by the wall clock of the process that wrote them.
pub type WallMillis = u64;

/// Milliseconds on the engine's own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineInstant(pub u64);

impl EngineInstant {
    /// The end of time, later than any other instant.
    pub const NEVER: Self = Self(u64::MAX);

    /// Returns the instant `by` later, saturating.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// Returns the time elapsed since `earlier`, or zero if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
