//! What to do about each error.

use std::time::Duration;

use tokenkeeper_protocol::{
    Class, DeviceAuthorizationError as DeviceAnswer, IntrospectionError as Answer, RedirectError,
};
use tokenkeeper_refresh::Cause;
use tokenkeeper_store::KeyDigest;

use super::{DeviceAuthorizationError, Error, ExchangeError, FlowError, IntrospectionError};

/// What to do about an [`Error`]; which has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Make the same call again later.
    Retry {
        /// The shortest sensible pause.
        after: Duration,
    },
    /// Start a login for the account.
    Reauthorize {
        /// The affected account.
        account: KeyDigest,
        /// The reason why the last login ended; `None` if the account never had one or was
        /// disconnected.
        cause: Option<Cause>,
    },
    /// Ask the person whether they have just allowed the access themselves. If so, call
    /// [`Accounts::finish_confirmed`](crate::Accounts::finish_confirmed); otherwise leave the
    /// account as it is.
    Confirm {
        /// The affected account.
        account: KeyDigest,
    },
    /// Start the login again: it failed, and its code or flow is spent. The account is as it was
    /// before.
    StartAgain,
    /// Fix the configuration.
    FixConfiguration,
    /// Do not repeat the call: it cannot succeed.
    GiveUp,
}

impl Error {
    /// Returns what to do about the error.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::NotConnected { account } | Self::Disconnected { account } => {
                Advice::Reauthorize {
                    account: *account,
                    cause: None,
                }
            }
            Self::ReauthorizationRequired { account, cause } => Advice::Reauthorize {
                account: *account,
                cause: Some(cause.clone()),
            },
            Self::Unavailable { retry_after, .. } => Advice::Retry {
                after: *retry_after,
            },
            Self::Timeout { .. }
            | Self::StoreTooSlow { .. }
            | Self::RevocationPending { .. }
            | Self::AuditFull => Advice::Retry {
                after: Duration::from_secs(1),
            },
            Self::Store { source, .. } if source.is_transient() => Advice::Retry {
                after: Duration::from_secs(1),
            },
            Self::Exchange { source, .. } => source.advice(),
            Self::Introspection { source, .. } => source.advice(),
            Self::DeviceAuthorization { source, .. } => source.advice(),
            Self::Redirect(source) => match **source {
                RedirectError::Denied { .. } | RedirectError::DeniedWithoutState { .. } => {
                    Advice::StartAgain
                }
                RedirectError::WrongResponseMode(_) | RedirectError::IssuerMissing => {
                    Advice::FixConfiguration
                }
                _ => Advice::GiveUp,
            },
            Self::ConfirmationRequired { account } => Advice::Confirm { account: *account },
            Self::Flow(FlowError::Expired | FlowError::Used) => Advice::StartAgain,
            Self::Configuration { .. }
            | Self::Store { .. }
            | Self::Record { .. }
            | Self::Listing(_)
            | Self::UnknownProvider { .. }
            | Self::Build(_)
            | Self::Protocol(_)
            | Self::NoRuntime => Advice::FixConfiguration,
            Self::Flow(FlowError::NotOurs)
            | Self::Superseded { .. }
            | Self::Subject(_)
            | Self::ReservedSubject
            | Self::ShutDown => Advice::GiveUp,
        }
    }
}

impl ExchangeError {
    /// Returns what to do about a failed code exchange.
    fn advice(&self) -> Advice {
        match self {
            Self::TooLate => Advice::Retry {
                after: Duration::from_secs(1),
            },
            Self::Request(_) => Advice::FixConfiguration,
            Self::Transport(error) if error.is_address_refused() => Advice::FixConfiguration,
            Self::Refused(refusal) if refusal.class == Class::Configuration => {
                Advice::FixConfiguration
            }
            Self::Refused(_) | Self::Transport(_) => Advice::StartAgain,
        }
    }
}

impl DeviceAuthorizationError {
    /// Returns what to do about a login by device code that was not started.
    fn advice(&self) -> Advice {
        const PAUSE: Duration = Duration::from_secs(1);
        match self {
            Self::Transport(_) => Advice::Retry { after: PAUSE },
            Self::Response(DeviceAnswer::Unavailable { retry_after }) => Advice::Retry {
                after: retry_after.unwrap_or(PAUSE),
            },
            Self::Unsupported | Self::Request(_) | Self::Response(_) => Advice::FixConfiguration,
        }
    }
}

impl IntrospectionError {
    /// Returns what to do about a failed introspection.
    fn advice(&self) -> Advice {
        const PAUSE: Duration = Duration::from_secs(1);
        match self {
            Self::Transport(error) if error.is_address_refused() => Advice::FixConfiguration,
            Self::Transport(_) => Advice::Retry { after: PAUSE },
            Self::Response(Answer::Unavailable { retry_after }) => Advice::Retry {
                after: retry_after.unwrap_or(PAUSE),
            },
            Self::Unsupported | Self::Request(_) | Self::Response(_) => Advice::FixConfiguration,
        }
    }
}
