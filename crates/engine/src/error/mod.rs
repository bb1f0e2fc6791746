//! The errors of the engine, and the advice for each.

mod advice;
mod reason;

use std::{error::Error as StdError, sync::Arc, time::Duration};

use tokenkeeper_protocol::{ErrorCode, RedirectError};
use tokenkeeper_refresh::Cause;
use tokenkeeper_store::{ErrorChain, KeyDigest, StoreError};

pub use self::{
    advice::Advice,
    reason::{DeviceAuthorizationError, ExchangeError, FlowError, IntrospectionError, RecordError},
};

/// The reason why a call failed. [`advice`](Self::advice) returns what to do about it.
///
/// All callers that wait for the same refresh share its error, so errors are cheap to clone. No
/// text shows a secret, a subject or the body of a response; accounts appear as short digests.
///
/// ```
/// use tokenkeeper_engine::{Advice, Error};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let account = accounts.account("amiqus", "user-42")?;
/// match account.token().await {
///     Ok(token) => drop(token),
///     Err(error) => match error.advice() {
///         Advice::Retry { after } => tokio::time::sleep(after).await,
///         Advice::Reauthorize { .. } => println!("send the person to {:?}", account.connect()?),
///         _ => return Err(error),
///     },
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The account was never connected, or its record is gone.
    #[error("account {account} is not connected: start a login with `Account::connect`")]
    NotConnected {
        /// The affected account.
        account: KeyDigest,
    },
    /// The account was disconnected.
    #[error("account {account} was disconnected: start a login with `Account::connect`")]
    Disconnected {
        /// The affected account.
        account: KeyDigest,
    },
    /// The token endpoint refused the refresh token for good. Only a new login helps.
    #[error("account {account} needs a new login: {cause}")]
    ReauthorizationRequired {
        /// The affected account.
        account: KeyDigest,
        /// The reason.
        cause: Cause,
    },
    /// The token endpoint refused the client. The account's tokens are kept.
    #[error(
        "the token endpoint refuses the client of account {account}, whose tokens are kept: \
         check client id and secret"
    )]
    Configuration {
        /// The affected account.
        account: KeyDigest,
        /// The refusal, if it happened in this process. It may name the field of the dialect that
        /// helps.
        #[source]
        source: Option<ExchangeError>,
    },
    /// The token endpoint is unreachable, refuses for now, or sent no usable response.
    #[error("no token for account {account} is available: try again in {retry_after:?}")]
    Unavailable {
        /// The affected account.
        account: KeyDigest,
        /// The time until the engine asks the token endpoint again.
        retry_after: Duration,
        /// The last failure, if it happened in this process.
        #[source]
        source: Option<ExchangeError>,
    },
    /// No result came within the caller's wait. The operation continues in the background.
    #[error("no result for account {account} within {waited:?}; the operation continues")]
    Timeout {
        /// The affected account.
        account: KeyDigest,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The store failed. Nothing was sent, since the result could not have been written.
    #[error("the store failed, so nothing was sent for account {account}")]
    Store {
        /// The affected account.
        account: KeyDigest,
        /// The store's error.
        #[source]
        source: Arc<StoreError>,
    },
    /// The store responded too late for the lease. Nothing was sent.
    #[error(
        "the store is too slow to refresh account {account}: raise `Options::lease`, unless the \
         provider's grace window is what limits it"
    )]
    StoreTooSlow {
        /// The affected account.
        account: KeyDigest,
    },
    /// The store cannot list accounts, which a [`Refresher`](crate::Refresher) needs.
    #[error("the store cannot list accounts, which a refresher needs: use a store that can")]
    Listing(#[source] Arc<StoreError>),
    /// The record in the store cannot be read. It was not overwritten.
    #[error("the record of account {account} cannot be read; it was not overwritten")]
    Record {
        /// The affected account.
        account: KeyDigest,
        /// The reason.
        #[source]
        source: RecordError,
    },
    /// The code exchange yielded no tokens. The account is as it was before the login.
    #[error("the login of account {account} failed at the token endpoint: start it again")]
    Exchange {
        /// The affected account.
        account: KeyDigest,
        /// The failure of the exchange.
        #[source]
        source: ExchangeError,
    },
    /// The provider gave no codes for a login by device code. The account is as it was before.
    #[error("no login by device code for account {account} was started")]
    DeviceAuthorization {
        /// The affected account.
        account: KeyDigest,
        /// The reason.
        #[source]
        source: DeviceAuthorizationError,
    },
    /// The provider could not be asked about the account's token.
    #[error("the token of account {account} could not be introspected")]
    Introspection {
        /// The affected account.
        account: KeyDigest,
        /// The reason.
        #[source]
        source: IntrospectionError,
    },
    /// The redirect does not belong to this flow, or it is a denial.
    #[error("the redirect carries no code for this flow")]
    Redirect(#[source] Arc<RedirectError>),
    /// The redirect has no state, so anyone may have made it. Nothing was sent.
    #[error(
        "the redirect does not show that it belongs to the login of account {account}: ask the \
         person, then call `Accounts::finish_confirmed`"
    )]
    ConfirmationRequired {
        /// The affected account.
        account: KeyDigest,
    },
    /// The flow cannot be used.
    #[error(transparent)]
    Flow(FlowError),
    /// A newer login or a disconnect of the account came first.
    #[error("a newer login or a disconnect of account {account} came first")]
    Superseded {
        /// The affected account.
        account: KeyDigest,
    },
    /// The revocation of an earlier disconnect must finish before a new login, and the provider is
    /// unreachable.
    #[error(
        "the tokens of an earlier login of account {account} are not revoked yet: try again later"
    )]
    RevocationPending {
        /// The affected account.
        account: KeyDigest,
    },
    /// No such provider is configured, or several have this brand.
    #[error("provider `{brand}` {hint}")]
    UnknownProvider {
        /// The requested brand.
        brand: String,
        /// The problem and the remedy.
        hint: &'static str,
    },
    /// The subject cannot name an account.
    #[error("the subject cannot name an account: {0}")]
    Subject(Arc<tokenkeeper_store::KeyError>),
    /// The subject is one of those under which the engine keeps its
    /// [internal entries](crate::is_internal_entry).
    #[error("the subject cannot name an account: the engine keeps its own entries under such ones")]
    ReservedSubject,
    /// The configuration is incomplete or contradictory. The text names every problem.
    #[error("invalid configuration: {0}")]
    Build(String),
    /// A request cannot be built, or a token cannot be attached.
    #[error(transparent)]
    Protocol(Arc<tokenkeeper_protocol::Error>),
    /// The audit trail takes no more entries, and the application chose that operations
    /// [wait](crate::Audit::back_pressure) for it. Nothing was done.
    #[error("the audit trail is full, so nothing was done: see why its sink takes no entries")]
    AuditFull,
    /// [`Accounts::shutdown`](crate::Accounts::shutdown) was called.
    #[error("the engine is shut down")]
    ShutDown,
    /// No runtime was given, and the operating system starts no thread for the engine.
    #[error(
        "there is no tokio runtime, and no thread can be started: pass one to \
         `AccountsBuilder::runtime`"
    )]
    NoRuntime,
}

impl Error {
    /// Finds an engine error in a chain of sources, for example inside the error of a client or of
    /// a retry layer.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        ErrorChain::of(error).find()
    }

    /// Returns whether the store works and the account's record is what cannot be read.
    pub(crate) fn is_unreadable_record(&self) -> bool {
        match self {
            Self::Record { .. } => true,
            Self::Store { source, .. } => source.is_of_one_entry(),
            _ => false,
        }
    }

    /// Returns the `error` code of the token endpoint's response, if there is one.
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
            }
            | Self::Configuration {
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
