//! What must hold, step by step, and which breaches no client can prevent.

mod presentations;
mod quiet;
mod records;
mod serving;

/// A breach of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Breach {
    /// Another presentation of the token has neither been answered nor outlived its lease.
    PresentedTwice,
    /// A living process has an answer that says what became of the token.
    PresentedAfterAnswer,
    /// A request is sent though its lease was nearly over when its attempt was confirmed.
    SentTooLate,
    /// A presentation ends a family whose valid token a living process holds.
    FamilyKilled,
    /// A refresh presents a token set that it was not to replace.
    RefreshedNeedlessly,
    /// A process waits for the lease of its own attempt.
    WaitsForItself,
    /// A living process received tokens, and they are neither in the store nor superseded nor
    /// revoked.
    TokensLost,
    /// Tokens that a newer login or a disconnect has replaced are still valid at a provider that
    /// can revoke them alone.
    LeftAlive,
    /// A caller waits, and nothing can ever happen.
    Deadlock,
    /// Something can go on happening without end.
    Livelock,
    /// An account is marked for reauthorization though the provider did not refuse its newest
    /// token.
    MarkedWrongly,
    /// The mark says that the provider refused a token whose answer was lost.
    CauseWrong,
    /// An older record was written over a newer one.
    WentBack,
    /// A login is in flight under the number of another.
    NumberTaken,
    /// A disconnected account is connected again without a login.
    Resurrected,
    /// A revocation that reaches all logins of the account is sent by a process that knows of a
    /// newer one.
    LoggedOut,
    /// A token is served though its process was shown that the account is disconnected.
    ServedAfterDisconnect,
    /// A valid token is withheld though the store answers.
    Withheld,
}

/// Why a breach cannot be helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Residual {
    /// A holder woke between its put and its send.
    WokeBeforeSending,
    /// A holder that lives was presumed dead after its lease.
    PresumedDead,
    /// A holder was cut off from the store for longer than its lease.
    CutOff,
    /// A failover or a wipe lost the attempt, or its answer.
    SetBack,
    /// The provider handled a request after the process had given it up.
    HandledLate,
}

impl Residual {
    pub(crate) const ALL: [Self; 5] = [
        Self::WokeBeforeSending,
        Self::PresumedDead,
        Self::CutOff,
        Self::SetBack,
        Self::HandledLate,
    ];
}
