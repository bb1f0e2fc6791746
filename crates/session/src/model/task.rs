//! What a process does: a machine of the protocol, and what it waits for.

use super::token::Token;
use crate::{
    machine::{Answer, Disconnect, Effect, Login, Machine, Refresh, Stored, Validate, Write},
    record::Record,
    source::Stamp,
};

pub(super) const FLIGHT: usize = 0;
pub(super) const DETACHED: usize = 1;

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Task {
    /// 0: there is none.
    pub(super) actor: u32,
    pub(super) pending: u32,
    /// The attempt that it wrote last, or tries to.
    pub(super) claim: u8,
    /// Which presentation of the refresh token that is, or the number of the login.
    pub(super) count: u8,
    /// Its lease has ended, as others see it.
    pub(super) lapsed: bool,
    /// The record that was known when it began.
    pub(super) before: u32,
}

/// A machine of the protocol, and what the engine remembers beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Actor {
    Refresh(Refresh<Token>),
    Validate {
        machine: Validate<Token>,
        /// The refresh that called for it, and which token set that is to replace.
        then: Option<Option<Stamp>>,
    },
    Login(Login<Token>),
    Disconnect(Disconnect<Token>),
    /// Revokes what a task left over, and is done.
    Farewell,
}

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "states are interned; a pending step is made and taken apart at once"
)]
pub(super) enum Pending {
    /// To be performed.
    Effect(Effect<Token>),
    /// The attempt is in the store; the process does not know it yet.
    Claimed,
    /// Presented, and not yet at the provider. No token: a code.
    OnWire(Presented),
    /// Answered, and the answer not yet read.
    Answered(Presented, Answer<Token>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Presented {
    pub(super) token: Option<Token>,
    /// The client's count of presentations, or the number of the authorization.
    pub(super) count: u8,
}

impl Actor {
    /// What the store does not have yet.
    pub(super) fn in_hand(&self) -> Option<&Record<Token>> {
        match self {
            Self::Refresh(machine) => machine.in_hand(),
            Self::Validate { machine, .. } => machine.in_hand(),
            Self::Login(machine) => machine.in_hand(),
            Self::Disconnect(_) | Self::Farewell => None,
        }
    }

    /// A tombstone that is in the store, while its tokens are revoked.
    pub(super) fn ended(&self) -> Option<&Stored<Token>> {
        match self {
            Self::Login(machine) => machine.ended(),
            Self::Disconnect(machine) => machine.ended(),
            Self::Refresh(_) | Self::Validate { .. } | Self::Farewell => None,
        }
    }
}

impl Write<Token> {
    /// What this write counts the attempt `id` as, if it puts that down: a presentation, or the number of a login.
    pub(super) fn claims(&self, id: u128) -> Option<u64> {
        let record = self.record.as_ref()?;
        let refresh = record
            .live()
            .filter(|live| live.attempt.is_some_and(|a| a.id == id));
        let login = record.login.filter(|login| login.attempt.id == id);
        refresh
            .map(|live| u64::from(live.presented))
            .or(login.map(|login| login.authorization.number))
    }
}
