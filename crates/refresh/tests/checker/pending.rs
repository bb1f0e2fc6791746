//! Messages in flight between a process and the store or the provider.

use tokenkeeper_refresh::{Answer, Candidate, Outcome, StoreAnswer, Write};

use super::token::Token;

/// A message in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pending {
    /// On the way to the store.
    Write(Write<Token>),
    /// On the way back.
    Wrote(Write<Token>, Outcome<Token>),
    /// On the way to the store.
    Read,
    /// On the way back.
    Found(StoreAnswer<Token>),
    /// To be presented.
    Send(Presented),
    /// Sent, and not yet received by the provider.
    OnWire(Presented),
    /// Answered, and the answer not yet received.
    Answered(Presented, Answer<Token>),
}

/// The content of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Presented {
    pub(crate) candidate: Candidate,
    /// `None`: a code.
    pub(crate) token: Option<Token>,
    /// The number and the id of the authorization, for a code.
    pub(crate) number: u64,
    pub(crate) authorization: tokenkeeper_refresh::Id,
    /// The number of its claim among those of the token, as the store has seen them.
    pub(crate) count: u8,
}

impl Pending {
    /// Returns the content of a token request.
    pub(crate) fn presented(&self) -> Option<Presented> {
        match self {
            Self::Send(presented) | Self::OnWire(presented) | Self::Answered(presented, _) => {
                Some(*presented)
            }
            _ => None,
        }
    }
}
