//! The operations and timers of an account.

/// Names a change (a login, an adoption, a disconnect) while it is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeId(pub u32);

/// The job that a token request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// The refresh job's.
    Refresh,
    /// A login's.
    Login(ChangeId),
}

/// An operation that the engine performs for an account.
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

/// A timer of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Retries a failed write.
    Write,
    /// Renews the lease of the account's attempt.
    Renew,
    /// Reads another process's attempt again.
    Poll,
    /// Retries a revocation.
    Revoke,
    /// Polls with the device code of a login.
    Device(ChangeId),
}
