//! The payload of the model's records: a number instead of a token set.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use tokenkeeper_refresh::{Payload, Times};

/// A token set: its family and its index in that family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) u8);

impl Token {
    pub(crate) fn new(family: usize, index: u8) -> Self {
        debug_assert!(family < 8 && index < 8);
        Self((family as u8) << 4 | index)
    }

    pub(crate) fn family(self) -> usize {
        usize::from(self.0 >> 4)
    }

    pub(crate) fn index(self) -> u8 {
        self.0 & 15
    }

    /// Returns the token as a number that is never 0.
    pub(crate) fn code(self) -> u8 {
        self.0 + 1
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        code.checked_sub(1).map(Self)
    }
}

impl Payload for Token {
    fn refresh_digest(&self) -> Option<u64> {
        Some(u64::from(self.0))
    }

    fn times(&self) -> Times {
        Times {
            issued_at: 0,
            expires_at: Some(EXPIRES_AT),
            refresh_at: None,
            refresh_expires_at: None,
        }
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Nothing else is hashed at this width: `Names` finds tokens by it.
        state.write_u16(u16::from(self.0));
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}.{}", self.family(), self.index())
    }
}

/// When every token set expires. Most events happen at time 0.
const EXPIRES_AT: u64 = 1_000_000;
