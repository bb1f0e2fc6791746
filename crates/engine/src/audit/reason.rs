//! Why an operation failed, in words of a fixed list.

use std::fmt;

use tokenkeeper_protocol::{Class, RedirectError, Refusal};
use tokenkeeper_refresh::Failure;
use tokenkeeper_store::StoreError;

use crate::error::{Error, ExchangeError, FlowError, RecordError};

/// Why an operation failed, in a word of a fixed list: no text of a provider, a person or a store
/// reaches the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditReason {
    /// The person or the provider denied the authorization.
    Denied,
    /// The redirect belongs to another flow, or may be forged.
    StateMismatch,
    /// The redirect names another issuer, or none where one is required.
    WrongIssuer,
    /// The redirect cannot be read.
    InvalidRedirect,
    /// The flow was sealed with another key, or is forged.
    UnknownFlow,
    /// The login took too long.
    FlowExpired,
    /// The code of the flow was used before.
    FlowUsed,
    /// The flow's provider is not configured.
    UnknownProvider,
    /// The token endpoint refused the grant.
    GrantRefused,
    /// The token endpoint refused the client, or the request cannot be built.
    ClientRefused,
    /// The token endpoint refused without a usable reason.
    RefusedWithoutReason,
    /// The token endpoint could not be reached, was busy, or its answer was lost.
    Unavailable,
    /// The store failed.
    StoreFailed,
    /// The store was too slow for the lease.
    StoreTooSlow,
    /// A newer login or a disconnect came first.
    Superseded,
    /// The tokens of an earlier login are not revoked yet.
    RevocationPending,
    /// There is no login.
    NotConnected,
    /// The engine was shut down.
    ShutDown,
    /// The answer to an earlier presentation was lost, and the token is refused now.
    ResponseLost,
    /// The login brought no refresh token.
    NoRefreshToken,
    /// The keyring lacks the record's key, or the record was moved or damaged.
    Undecryptable,
    /// A record in an encrypted store is not encrypted.
    NotEncrypted,
    /// The record was written by a newer version.
    NewerFormat,
    /// The record is damaged.
    Damaged,
    /// Another reason.
    Other,
}

impl AuditReason {
    /// Returns the word that the trail has for the reason.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::StateMismatch => "state_mismatch",
            Self::WrongIssuer => "wrong_issuer",
            Self::InvalidRedirect => "invalid_redirect",
            Self::UnknownFlow => "unknown_flow",
            Self::FlowExpired => "flow_expired",
            Self::FlowUsed => "flow_used",
            Self::UnknownProvider => "unknown_provider",
            Self::GrantRefused => "grant_refused",
            Self::ClientRefused => "client_refused",
            Self::RefusedWithoutReason => "refused_without_reason",
            Self::Unavailable => "unavailable",
            Self::StoreFailed => "store_failed",
            Self::StoreTooSlow => "store_too_slow",
            Self::Superseded => "superseded",
            Self::RevocationPending => "revocation_pending",
            Self::NotConnected => "not_connected",
            Self::ShutDown => "shut_down",
            Self::ResponseLost => "response_lost",
            Self::NoRefreshToken => "no_refresh_token",
            Self::Undecryptable => "undecryptable",
            Self::NotEncrypted => "not_encrypted",
            Self::NewerFormat => "newer_format",
            Self::Damaged => "damaged",
            Self::Other => "other",
        }
    }

    /// Returns the reason of a failure that the machine reports. A refused code has its own:
    /// [`of_exchange`](Self::of_exchange).
    pub(crate) fn of_failure(failure: &Failure) -> Self {
        match failure {
            Failure::NotConnected | Failure::Disconnected => Self::NotConnected,
            Failure::Reauthorize(_) | Failure::Refused(_) => Self::GrantRefused,
            Failure::Misconfigured => Self::ClientRefused,
            Failure::Backoff(_) => Self::Unavailable,
            Failure::Store => Self::StoreFailed,
            Failure::TooLate => Self::StoreTooSlow,
            Failure::Superseded => Self::Superseded,
            Failure::FlowUsed => Self::FlowUsed,
            Failure::FlowExpired => Self::FlowExpired,
            Failure::RevocationPending => Self::RevocationPending,
            Failure::Closing => Self::ShutDown,
            Failure::Timeout => Self::Other,
        }
    }

    pub(crate) fn of_exchange(error: &ExchangeError) -> Self {
        match error {
            ExchangeError::Refused(refusal) => match refusal.class {
                // The answer to a poll with a device code (RFC 8628 §3.5).
                Class::Terminal if is_denial(refusal) => Self::Denied,
                Class::Terminal => Self::GrantRefused,
                Class::Configuration => Self::ClientRefused,
                Class::Unexplained => Self::RefusedWithoutReason,
                Class::Transient { .. } | Class::Ambiguous => Self::Unavailable,
                Class::Pending | Class::SlowDown => Self::Other,
            },
            ExchangeError::Transport(_) => Self::Unavailable,
            ExchangeError::Request(_) => Self::ClientRefused,
            ExchangeError::TooLate => Self::StoreTooSlow,
        }
    }

    /// Returns the reason of a login that fails before its code is sent.
    pub(crate) fn of_callback(error: &Error) -> Self {
        match error {
            Error::Redirect(error) => match **error {
                RedirectError::Denied { .. } | RedirectError::DeniedWithoutState { .. } => {
                    Self::Denied
                }
                RedirectError::StateMismatch | RedirectError::StateMissing => Self::StateMismatch,
                RedirectError::WrongIssuer | RedirectError::IssuerMissing => Self::WrongIssuer,
                _ => Self::InvalidRedirect,
            },
            Error::Flow(FlowError::NotOurs) => Self::UnknownFlow,
            Error::Flow(FlowError::Expired) => Self::FlowExpired,
            Error::Flow(FlowError::Used) => Self::FlowUsed,
            Error::UnknownProvider { .. } => Self::UnknownProvider,
            Error::ShutDown => Self::ShutDown,
            _ => Self::Other,
        }
    }

    /// Returns why a record cannot be read.
    pub(crate) fn of_record(error: &Error) -> Self {
        match error {
            Error::Record {
                source: RecordError::Newer { .. },
                ..
            } => Self::NewerFormat,
            Error::Record { .. } => Self::Damaged,
            Error::Store { source, .. } => match **source {
                StoreError::Undecryptable { .. } => Self::Undecryptable,
                StoreError::NotEncrypted => Self::NotEncrypted,
                StoreError::NewerFormat { .. } => Self::NewerFormat,
                StoreError::Corrupt { .. } => Self::Damaged,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

impl fmt::Display for AuditReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns whether a person denied the login.
fn is_denial(refusal: &Refusal) -> bool {
    let code = refusal.code.as_ref().and_then(|code| code.as_str());
    code == Some("access_denied")
}
