//! Scales of a run, and statistics over its samples.

use std::time::Duration;

/// How much a bench measures that criterion does not drive.
///
/// Such a bench takes criterion's arguments too, and ignores those that it has no use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// One small round, as `cargo bench -- --test` wants it.
    Test,
    /// Fewer rounds, for `--quick`.
    Quick,
    /// Everything.
    Full,
}

impl Scale {
    /// Reads the scale from the process's arguments.
    #[must_use]
    pub fn from_args() -> Self {
        let has = |flag| std::env::args().any(|argument| argument == flag);
        if has("--test") {
            Self::Test
        } else if has("--quick") {
            Self::Quick
        } else {
            Self::Full
        }
    }

    /// Returns `full`, or `test` for a run that only tests the bench.
    #[must_use]
    pub fn pick<T>(self, test: T, full: T) -> T {
        if self == Self::Test { test } else { full }
    }
}

/// Returns the value below which this share of the sorted values lies.
///
/// # Panics
/// If there is no value.
#[must_use]
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len() as f64 * share) as usize;
    sorted[place.min(sorted.len() - 1)]
}

/// Converts a duration to milliseconds.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
