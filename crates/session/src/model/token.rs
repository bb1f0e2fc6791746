//! The payload that the model's records carry: a number instead of a token set.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use crate::record::Tokens;

/// A token set: which family it belongs to, and the how manieth of that family it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Token(pub(super) u8);

impl Token {
    pub(super) fn new(family: usize, index: u8) -> Self {
        debug_assert!(family < 16 && index < 16);
        Self((family as u8) << 4 | index)
    }

    pub(super) fn family(self) -> usize {
        usize::from(self.0 >> 4)
    }

    pub(super) fn index(self) -> u8 {
        self.0 & 15
    }
}

impl Tokens for Token {
    fn refresh_digest(&self) -> Option<u64> {
        Some(u64::from(self.0))
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // By its width the tokens that something refers to are found.
        state.write_u16(u16::from(self.0));
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}.{}", self.family(), self.index())
    }
}
