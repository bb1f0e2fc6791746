//! What is in flight between a process and the store or the provider.

use tokenkeeper_refresh::{Answer, Candidate, Outcome, StoreAnswer, Write};

use super::token::Token;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pending {
    /// On its way to the store.
    Write(Write<Token>),
    /// On its way back.
    Wrote(Write<Token>, Outcome<Token>),
    /// On its way to the store.
    Read,
    /// On its way back.
    Found(StoreAnswer<Token>),
    /// To be presented.
    Send(Presented),
    /// Presented, and not yet at the provider.
    OnWire(Presented),
    /// Answered, and the answer is not yet read.
    Answered(Presented, Answer<Token>),
}

/// What is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Presented {
    pub(crate) candidate: Candidate,
    /// `None`: a code.
    pub(crate) token: Option<Token>,
    /// The number and the id of the authorization of a code.
    pub(crate) number: u64,
    pub(crate) authorization: tokenkeeper_refresh::Id,
    /// Which claim of the token it is, as the store has seen them.
    pub(crate) count: u8,
}

impl Pending {
    /// What a request to the token endpoint presents.
    pub(crate) fn presented(&self) -> Option<Presented> {
        match self {
            Self::Send(presented) | Self::OnWire(presented) | Self::Answered(presented, _) => {
                Some(*presented)
            }
            _ => None,
        }
    }
}
