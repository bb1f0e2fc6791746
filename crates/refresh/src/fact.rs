//! What an audit trail records.

use crate::{
    action::Failure,
    operation::ChangeId,
    record::{Cause, TokenVersion},
};

/// Something that this process did to an account, or was told by the provider, once it is done.
///
/// What another process did is no fact of this one: each process records its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// A change ended. Each change has exactly one such fact.
    Changed(Changed),
    /// A refresh brought this token set.
    Refreshed(TokenVersion),
    /// The token endpoint refused the refresh token of the login with this number.
    Refused {
        /// The number of the login.
        number: u64,
        /// The reason.
        cause: Cause,
    },
    /// The provider confirmed a revocation.
    Revoked {
        /// The number of the newest login; the tokens may be those of an earlier one.
        number: u64,
    },
    /// A revocation failed, and is tried again. It is reported once until one succeeds.
    RevocationFailed {
        /// The number of the newest login; the tokens may be those of an earlier one.
        number: u64,
    },
}

/// A change that ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Changed {
    /// The change.
    pub id: ChangeId,
    /// What it was.
    pub kind: ChangeKind,
    /// The number of the login that it made or ended, if it has one.
    pub number: Option<u64>,
    /// The result. A change that found its work done has changed nothing: see `repeated`.
    pub result: Result<(), Failure>,
    /// It found its work done: by another use of the same flow, or since there was nothing to do.
    pub repeated: bool,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A login with the code of a flow.
    Login,
    /// The application handed over tokens.
    Adoption,
    /// The account is disconnected.
    Disconnect,
    /// The account is forgotten.
    Forget,
}
