//! Mutations of the refresh protocol: the checker breaks one rule at a time and must notice.

/// One broken rule of the refresh protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutation {
    /// A refresh token is presented before its attempt is in the store.
    NoAttempt,
    /// An attempt that meets a conflict overwrites the stored record without reading it.
    AttemptOverConflict,
    /// A result that meets a conflict is dropped.
    ResultDroppedOnConflict,
    /// New tokens are written unconditionally.
    UnconditionalCommit,
    /// A lease counts as expired as soon as another process reads it.
    LeaseExpiresAtOnce,
    /// The mark that an account needs a new login is written unconditionally.
    UnconditionalMark,
    /// A record that is marked dead beats any token set.
    DeadBeatsTokens,
    /// A record that is not marked dead beats one that is, at any generation.
    HealthBeforeGeneration,
    /// A disconnect removes the record and leaves no tombstone.
    DisconnectAsDelete,
    /// An account is forgotten without a mark for the processes that still know it.
    ForgetAsDelete,
    /// The generations of different logins are compared.
    GenerationsAcrossLogins,
    /// A presentation without an answer ends the account.
    NeverReplay,
    /// The second presentation without an answer ends the account.
    CapOnReplays,
    /// Tokens that a newer login replaced are revoked although that ends the newer login too.
    RevokesNewerLogin,
    /// An attempt whose lease expired does not count as unanswered.
    LapsedCountsAsAnswered,
    /// A process forgets which of its attempts are finished.
    FinishedAttemptsForgotten,
    /// Memory drops an account whose record the store lost.
    LostRecordDropped,
    /// A token is presented again under the old attempt.
    ReplayUnderOldAttempt,
    /// A login drops the attempt in flight when it begins.
    LoginDropsAttempt,
    /// A refresh continues after another process refreshed.
    RefreshesThoughSuperseded,
    /// Presentations are not counted.
    PresentationsNotCounted,
    /// Any write drops another process's login in flight.
    PendingLoginDropped,
    /// Tokens that a disconnect did not know are not revoked.
    UnknownTokensNotRevoked,
    /// An answer that arrives after its attempt was replaced is dropped.
    LateAnswerDropped,
    /// A refusal that arrives after its attempt was replaced is dropped.
    LateRefusalDropped,
    /// A code is exchanged although its flow was used before.
    FlowUsedTwice,
    /// A code that was refused is exchanged again.
    RefusedFlowForgotten,
    /// A login that replaces another one in flight forgets the other's flow.
    ReplacedFlowForgotten,
    /// A device code is presented although its claim is not in the store, or its lease has expired.
    PollsWithoutLease,
    /// A disconnect leaves a login by device code in flight.
    DeviceOutlivesDisconnect,
    /// A process that knows of a disconnect keeps serving.
    ServesAfterDisconnect,
    /// A valid token is withheld while a refresh is in flight.
    WithheldWhileRefreshing,
    /// A request is sent although its attempt was confirmed when the lease had nearly expired.
    SendsTooLate,
    /// An explicit refresh cuts the pause after a timeout short.
    TimeoutPauseShortened,
    /// Waiters of a refresh are never woken.
    WaitersForgotten,
    /// A conflict is answered by the same write, forever.
    ConflictRepeated,
    /// Any write replaces a record that cannot be read.
    UnreadableOverwritten,
    /// The code of a login over a record that cannot be read is sent without a claim.
    UnclaimedCode,
}

#[cfg(feature = "mutations")]
mod active {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static ACTIVE: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Sets the mutation of this thread; `None` restores the protocol.
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

/// Returns false: without the feature no rule is broken, and the compiler removes the check.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn broken(_: Mutation) -> bool {
    false
}
