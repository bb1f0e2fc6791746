//! Protocols that are wrong in one place each: the search must find every one of them.

use std::cell::Cell;

use crate::record::{Record, State, Tokens, Winner};

/// One rule of the protocol, broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A refresh token is presented without an attempt in the store.
    NoAttempt,
    /// An attempt that meets another record is written over it unseen.
    AttemptOverConflict,
    /// A result that meets another record is given up unseen.
    ResultGivenUpOnConflict,
    /// New tokens are written whatever stands there.
    CommitWithoutVersion,
    /// A lease ends by the clock on the wall of whoever looks.
    LeaseByWallClock,
    /// The mark that an account needs a new login is written whatever stands there.
    MarkDeadWithoutVersion,
    /// A record that is marked beats any tokens.
    DeadWinsOverTokens,
    /// A record that is not marked beats one that is, whatever their generations.
    HealthBeforeGeneration,
    /// A disconnect removes the record.
    DisconnectAsDelete,
    /// The generations of different logins are compared.
    GenerationsAcrossLogins,
    /// A presentation without an answer ends the account.
    NeverReplay,
    /// What a newer login has overtaken is revoked, though that ends the newer login too.
    RevokesOverALogin,
    /// The second presentation without an answer ends the account.
    CapOnReplays,
}

thread_local! {
    static ACTIVE: Cell<Option<Mutation>> = const { Cell::new(None) };
}

pub(super) fn activate(mutation: Option<Mutation>) {
    ACTIVE.set(mutation);
}

pub(super) fn is_active(mutation: Mutation) -> bool {
    ACTIVE.get() == Some(mutation)
}

/// What a broken comparison says instead of the right one.
pub(crate) fn judge<T: Tokens>(ours: &Record<T>, theirs: &Record<T>) -> Option<Winner> {
    let (State::Live(mine), State::Live(other)) = (&ours.state, &theirs.state) else {
        return None;
    };
    let ours_is_dead = mine.is_dead();
    match ACTIVE.get()? {
        Mutation::DeadWinsOverTokens | Mutation::HealthBeforeGeneration
            if mine.authorization != other.authorization
                || mine.generation == other.generation
                || ours_is_dead == other.is_dead() =>
        {
            None
        }
        Mutation::DeadWinsOverTokens if ours_is_dead => Some(Winner::Ours),
        Mutation::DeadWinsOverTokens => Some(Winner::Theirs),
        Mutation::HealthBeforeGeneration if ours_is_dead => Some(Winner::Theirs),
        Mutation::HealthBeforeGeneration => Some(Winner::Ours),
        Mutation::GenerationsAcrossLogins if mine.authorization != other.authorization => {
            Some(if mine.generation > other.generation {
                Winner::Ours
            } else {
                Winner::Theirs
            })
        }
        _ => None,
    }
}
