//! What can go wrong, and what to do about it.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use tokenkeeper_protocol::{Class, ErrorCode, RedirectError, Refusal};
use tokenkeeper_store::{KeyDigest, StoreError};

use tokenkeeper_refresh::Cause;

use crate::transport::TransportError;

/// Why there is no token, or no account. [`advice`](Self::advice) says what to do.
///
/// Errors are shared by all callers that waited for the same flight, so they are cheap to clone. No
/// text shows a secret, a subject or the body of a response; accounts are named by a short digest.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody has connected this account, or its record is gone.
    #[error("account {account} is not connected: start a login with `Account::connect`")]
    NotConnected {
        /// Which account.
        account: KeyDigest,
    },
    /// The account was disconnected.
    #[error("account {account} was disconnected: start a login with `Account::connect`")]
    Disconnected {
        /// Which account.
        account: KeyDigest,
    },
    /// The token endpoint refused the refresh token for good: only the person can help.
    #[error("account {account} needs a new login: {cause}")]
    ReauthorizationRequired {
        /// Which account.
        account: KeyDigest,
        /// Why.
        cause: Cause,
    },
    /// The token endpoint refused the client. The account's tokens are kept.
    #[error(
        "the token endpoint refuses the client of account {account}: check client id and secret; its tokens are kept"
    )]
    Configuration {
        /// Which account.
        account: KeyDigest,
    },
    /// The token endpoint could not be reached, refused for the moment, or gave no usable answer.
    #[error("no token for account {account} at the moment; try again in {retry_after:?}")]
    Unavailable {
        /// Which account.
        account: KeyDigest,
        /// When the token endpoint is asked again.
        retry_after: Duration,
        /// What the last answer was, where there was one in this process.
        #[source]
        source: Option<ExchangeError>,
    },
    /// There was no result within the caller's wait. The work goes on without it.
    #[error("no result for account {account} within {waited:?}; the work on it goes on")]
    Timeout {
        /// Which account.
        account: KeyDigest,
        /// How long was waited.
        waited: Duration,
    },
    /// The store failed, so nothing was sent: a result could not have been written.
    #[error("the store failed, so nothing was sent for account {account}")]
    Store {
        /// Which account.
        account: KeyDigest,
        /// What the store said.
        #[source]
        source: Arc<StoreError>,
    },
    /// The store answered too late for the lease, so nothing was sent.
    #[error(
        "the store is too slow to refresh account {account}: raise `Options::lease`, or the provider's grace window leaves too little time"
    )]
    StoreTooSlow {
        /// The affected account.
        account: KeyDigest,
    },
    /// The store does not list accounts, so a [`Refresher`](crate::Refresher) finds none.
    #[error("the store does not list accounts, which a refresher needs: use a store that does")]
    Listing(#[source] Arc<StoreError>),
    /// The record in the store cannot be read. It is left as it is.
    #[error("the record of account {account} cannot be read; it was not overwritten")]
    Record {
        /// Which account.
        account: KeyDigest,
        /// What is wrong with it.
        #[source]
        source: RecordError,
    },
    /// The code exchange gave no tokens. Nothing in the store changed.
    #[error("the login of account {account} failed at the token endpoint; start it again")]
    Exchange {
        /// Which account.
        account: KeyDigest,
        /// What the token endpoint said.
        #[source]
        source: ExchangeError,
    },
    /// The redirect is not the answer to this flow, or it is a denial.
    #[error("the redirect gives no code")]
    Redirect(#[source] Arc<RedirectError>),
    /// The flow cannot be used.
    #[error(transparent)]
    Flow(FlowError),
    /// A newer login of the account came first, or it was disconnected meanwhile.
    #[error("a newer login or a disconnect of account {account} came first")]
    Superseded {
        /// Which account.
        account: KeyDigest,
    },
    /// A disconnect's revocation must be finished before a new login, and the provider cannot be
    /// reached.
    #[error(
        "an earlier disconnect of account {account} could not be finished at the provider; try again"
    )]
    RevocationPending {
        /// Which account.
        account: KeyDigest,
    },
    /// No such provider is configured, or several are and the brand alone does not tell which.
    #[error("no provider `{brand}`{hint}")]
    UnknownProvider {
        /// The brand asked for.
        brand: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// The subject cannot name an account.
    #[error("the subject cannot name an account: {0}")]
    Subject(Arc<tokenkeeper_store::KeyError>),
    /// The configuration cannot work.
    #[error("the configuration cannot work: {0}")]
    Build(String),
    /// A request could not be built, or a token cannot be attached.
    #[error(transparent)]
    Protocol(Arc<tokenkeeper_protocol::Error>),
    /// [`Accounts::shutdown`](crate::Accounts::shutdown) was called.
    #[error("the engine is shut down")]
    ShutDown,
    /// No runtime was given, and a thread of the engine's own cannot be started.
    #[error(
        "no tokio runtime was given, and no thread can be started: give one with `AccountsBuilder::runtime`"
    )]
    NoRuntime,
}

/// Why the token endpoint gave no tokens.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// It answered, without tokens.
    #[error("the token endpoint gave no tokens")]
    Refused(#[source] Refusal),
    /// It did not answer.
    #[error("the token endpoint did not answer")]
    Transport(#[source] Arc<TransportError>),
    /// The request cannot be built from what is configured; nothing was sent.
    #[error("the token request cannot be built")]
    Request(#[source] Arc<tokenkeeper_protocol::Error>),
    /// The lease was all but over before the request could be sent; nothing was sent.
    #[error("the store was too slow; nothing was sent")]
    TooLate,
}

impl ExchangeError {
    /// What to do about a code that brought no tokens.
    fn advice(&self) -> Advice {
        match self {
            Self::TooLate => Advice::Retry {
                after: Duration::from_secs(1),
            },
            Self::Request(_) => Advice::FixConfiguration,
            Self::Refused(refusal) if refusal.class == Class::Configuration => {
                Advice::FixConfiguration
            }
            Self::Refused(_) | Self::Transport(_) => Advice::StartAgain,
        }
    }
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A newer version of this software wrote it.
    #[error("it has format {found}, and this version reads up to {known}: update this process")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// It is not a record.
    #[error(
        "it is damaged at line {line}, column {column}: restore it, or delete it and log in again"
    )]
    Damaged {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
}

/// Why a flow cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// It was not sealed by this key: another process without a shared `flow_key`, or somebody
    /// else.
    #[error(
        "the flow was not sealed here: share a `flow_key` between processes, or start the login again"
    )]
    NotOurs,
    /// It took too long.
    #[error("the login took too long: start it again")]
    Expired,
    /// It was finished before.
    #[error("the login was finished before: start it again")]
    Used,
}

/// What to do about an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// The same call may succeed after this time.
    Retry {
        /// The shortest sensible pause.
        after: Duration,
    },
    /// Start a login for the account.
    Reauthorize {
        /// Which account.
        account: KeyDigest,
        /// Why its last login has ended; `None` where there never was one, or somebody
        /// disconnected it.
        cause: Option<Cause>,
    },
    /// A login under way came to nothing, and its code or its flow is spent: start another. What
    /// the account had before is as it was.
    StartAgain,
    /// Somebody has to change the configuration.
    FixConfiguration,
    /// The call makes no sense as it is.
    GiveUp,
}

impl Error {
    /// What to do.
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
            Self::Timeout { .. } | Self::StoreTooSlow { .. } | Self::RevocationPending { .. } => {
                Advice::Retry {
                    after: Duration::from_secs(1),
                }
            }
            Self::Store { source, .. } if source.is_transient() => Advice::Retry {
                after: Duration::from_secs(1),
            },
            Self::Exchange { source, .. } => source.advice(),
            Self::Redirect(source) if matches!(**source, RedirectError::Denied { .. }) => {
                Advice::StartAgain
            }
            Self::Flow(FlowError::Expired | FlowError::Used) => Advice::StartAgain,
            Self::Configuration { .. }
            | Self::Store { .. }
            | Self::Record { .. }
            | Self::Listing(_)
            | Self::UnknownProvider { .. }
            | Self::Build(_)
            | Self::Protocol(_)
            | Self::NoRuntime => Advice::FixConfiguration,
            Self::Redirect(_)
            | Self::Flow(FlowError::NotOurs)
            | Self::Superseded { .. }
            | Self::Subject(_)
            | Self::ShutDown => Advice::GiveUp,
        }
    }

    /// Our error anywhere in a chain of sources: inside a client's, a middleware's or a retry
    /// layer's own.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(ours) = error.downcast_ref::<Self>() {
                return Some(ours);
            }
            next = error.source();
        }
        None
    }

    /// The provider's `error` code, where the token endpoint gave one.
    #[must_use]
    pub fn error_code(&self) -> Option<&ErrorCode> {
        match self {
            Self::Exchange {
                source: ExchangeError::Refused(refusal),
                ..
            }
            | Self::Unavailable {
                source: Some(ExchangeError::Refused(refusal)),
                ..
            } => refusal.code.as_ref(),
            _ => None,
        }
    }
}

impl From<tokenkeeper_protocol::Error> for Error {
    fn from(error: tokenkeeper_protocol::Error) -> Self {
        Self::Protocol(Arc::new(error))
    }
}

impl From<RedirectError> for Error {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(Arc::new(error))
    }
}

impl From<FlowError> for Error {
    fn from(error: FlowError) -> Self {
        Self::Flow(error)
    }
}
