//! Rules of the protocol that the checker breaks, one at a time, to see that it notices.

/// One rule of the protocol, broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutation {
    /// A refresh token is presented before its attempt is in the store.
    NoAttempt,
    /// An attempt that meets another record is written over it unseen.
    AttemptOverConflict,
    /// A result that meets another record is given up.
    ResultGivenUpOnConflict,
    /// New tokens are written whatever the store has.
    CommitWithoutVersion,
    /// A lease ends as soon as another process looks at it.
    LeaseByWallClock,
    /// The mark that an account needs a new login is written whatever the store has.
    MarkDeadWithoutVersion,
    /// A record that is marked dead beats any tokens.
    DeadWinsOverTokens,
    /// A record that is not marked beats one that is, whatever their generations.
    HealthBeforeGeneration,
    /// A disconnect leaves no tombstone.
    DisconnectAsDelete,
    /// The generations of different logins are compared.
    GenerationsAcrossLogins,
    /// A presentation without an answer ends the account.
    NeverReplay,
    /// The second presentation without an answer ends the account.
    CapOnReplays,
    /// What a newer login has replaced is revoked though that ends the newer login too.
    RevokesOverALogin,
    /// A lapsed attempt does not count as unanswered.
    LapsedCountsAsAnswered,
    /// The process forgets which of its attempts are over.
    OverForgotten,
    /// Memory forgets an account that the store has lost, even if it moved on meanwhile.
    ForgetsThoughMovedOn,
    /// The token is presented again under the old attempt.
    ReplayUnderOldAttempt,
    /// A login that begins drops the attempt in flight.
    LoginDropsAttempt,
    /// A refresh goes on though another process refreshed.
    RefreshesThoughOvertaken,
    /// Presentations are not counted.
    PresentationsNotCounted,
    /// Another process's login in flight is dropped by whatever is written over it.
    PendingLoginDropped,
    /// Tokens that a disconnect did not know are not revoked.
    UnknownTokensForgotten,
    /// The answer of a request is dropped once its lease could have ended.
    LateAnswerDropped,
    /// A process that knows a disconnect goes on serving.
    ServesAfterDisconnect,
    /// A token that is valid is withheld while a refresh is in flight.
    WithheldWhileRefreshing,
    /// A request is sent though the answer to its attempt came when the lease was nearly over.
    SendsTooLate,
    /// The pause after a time-out is cut short by a refresh that is asked for expressly.
    TimeOutCutShort,
    /// Waiters of a refresh that failed are never told.
    WaitersForgotten,
    /// A conflict is answered by the same write, for ever.
    ConflictRepeatedForever,
}

#[cfg(feature = "mutations")]
mod active {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static ACTIVE: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Breaks this rule on this thread, or none.
    pub fn activate(mutation: Option<Mutation>) {
        ACTIVE.set(mutation);
    }

    pub(crate) fn broken(mutation: Mutation) -> bool {
        ACTIVE.get() == Some(mutation)
    }
}

#[cfg(feature = "mutations")]
pub use active::activate;
#[cfg(feature = "mutations")]
pub(crate) use active::broken;

/// Without the feature no rule is broken, and the compiler removes the question.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn broken(_: Mutation) -> bool {
    false
}
