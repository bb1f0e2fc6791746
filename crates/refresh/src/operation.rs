//! What the engine performs for an account, by name.

/// Names a change (a login, an adoption, a disconnect) while it is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeId(pub u32);

/// Whose token request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// The refresh job's.
    Refresh,
    /// A login's.
    Login(ChangeId),
}

/// Something that the engine performs for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A read of the store.
    Read,
    /// A write to the store.
    Write,
    /// A token request.
    Send(Candidate),
    /// A revocation.
    Revoke,
}

/// What an account waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To repeat a write.
    Write,
    /// To renew the lease of its attempt.
    Renew,
    /// To look at another's attempt again.
    Poll,
    /// To repeat a revocation.
    Revoke,
}
