//! The properties that must hold, and the violations that no client can prevent.

mod presentations;
mod quiescence;
mod records;
mod serving;

/// A violated property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Violation {
    /// A token is presented while another presentation of it is in flight within its lease.
    PresentedTwice,
    /// A token is presented although a living process has its decisive answer.
    PresentedAfterAnswer,
    /// A request is sent although its lease had nearly expired when its attempt was confirmed.
    SentTooLate,
    /// A presentation ends a family whose valid token a living process holds.
    FamilyEnded,
    /// A refresh presents another token set than the one that it should replace.
    NeedlessRefresh,
    /// A process waits for the lease of an attempt that it wrote.
    WaitsForItself,
    /// Tokens that a living process received are neither stored nor superseded nor revoked.
    TokensLost,
    /// Tokens that a newer login or a disconnect replaced are still valid at a provider that can
    /// revoke them separately.
    Unrevoked,
    /// A caller waits, and no event can make progress.
    Deadlock,
    /// Events can repeat forever without a fault.
    Livelock,
    /// A caller is told to reauthorize an account that, as its process knows, may still work.
    RefusedThoughAlive,
    /// An account is marked for reauthorization although the provider did not refuse its newest
    /// token.
    WrongMark,
    /// The mark names a refusal as the cause, but the answer to an earlier presentation was lost.
    WrongCause,
    /// An older record overwrote a newer one.
    RecordRegressed,
    /// A record that cannot be read was replaced by something else than the tokens of a login.
    UnreadableLost,
    /// Two logins in flight have the same number.
    DuplicateNumber,
    /// A disconnected account came back without a login.
    Resurrected,
    /// A disconnect left a login by device code in flight.
    DeviceOutlivedDisconnect,
    /// A process that knows of a newer login sends a revocation that ends all logins.
    NewerLoginRevoked,
    /// A process serves a token after it saw the disconnect.
    ServedAfterDisconnect,
    /// A valid token is withheld although the store answers.
    TokenWithheld,
}

/// Why no client can prevent a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Residual {
    /// A holder was paused between its put and its send.
    PausedBeforeSending,
    /// A living holder was presumed dead after its lease.
    PresumedDead,
    /// A holder was partitioned from the store for longer than its lease.
    Partitioned,
    /// A failover or a wipe lost the attempt, or its answer.
    StoreRolledBack,
    /// The provider handled a request after the process gave up on it.
    LateRequest,
}

impl Residual {
    pub(crate) const ALL: [Self; 5] = [
        Self::PausedBeforeSending,
        Self::PresumedDead,
        Self::Partitioned,
        Self::StoreRolledBack,
        Self::LateRequest,
    ];
}
