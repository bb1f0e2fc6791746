use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use tokenkeeper_store::Version;

use crate::{WallMillis, rules::Rules};

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

/// Milliseconds on the engine's own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineInstant(pub u64);

impl EngineInstant {
    /// Later than anything.
    pub const NEVER: Self = Self(u64::MAX);

    /// This much later.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// How long since `earlier`; zero if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// 128 random bits that name an authorization, an attempt, a process or a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 16]);

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// As 32 hexadecimal digits: many readers of JSON lose digits of long numbers.
impl Serialize for Id {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let number = u128::from_str_radix(&text, 16)
            .map_err(|_| D::Error::custom("not a hexadecimal number"))?;
        Ok(Self(number.to_be_bytes()))
    }
}
