//! Why a login from a command failed.

use std::{error::Error as StdError, io, net::SocketAddr};

use tokenkeeper_engine::{self as engine, Advice, ErrorChain};

/// Why a login from a command failed.
///
/// The text names the remedy; [`advice`](Self::advice) tells it to a program.
///
/// ```
/// use tokenkeeper_engine::Advice;
/// use tokenkeeper_login::{Error, LoopbackLogin};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// // Its redirect URI is the one of a web application.
/// let account = accounts.account("amiqus", "user-42")?;
/// let error = LoopbackLogin::new(&account).start().await.unwrap_err();
/// assert!(matches!(error, Error::NotLoopback { .. }));
/// assert_eq!(error.advice(), Advice::FixConfiguration);
/// # Ok(()) }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine refused to start or to finish the login.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The redirect URI leads to another machine, so its answer does not arrive here.
    #[error(
        "the redirect URI is at {origin}, not on loopback: register `http://127.0.0.1/callback`, \
         or have the person paste the address at which the browser ends"
    )]
    NotLoopback {
        /// The scheme, host and port of the redirect URI.
        origin: String,
    },
    /// Another program listens at the port, or the system does not allow it.
    #[error(
        "cannot listen at {address}: end the program that does, or choose another port that the \
         provider accepts"
    )]
    Listen {
        /// The address of the redirect URI.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// No browser could be opened.
    #[error("no browser opens here: show the person the URL, or use a device login")]
    Browser {
        /// The system's reason.
        source: io::Error,
    },
    /// The provider returned no state, and the person cancelled the login when asked about it.
    #[error("the person cancelled the login, so nothing was connected")]
    NotConfirmed,
    /// The listener ended before an answer came.
    #[error("the login's listener ended: start the login again")]
    Listener,
}

impl Error {
    /// Returns what to do about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Engine(error) => error.advice(),
            Self::NotLoopback { .. } | Self::Listen { .. } | Self::Browser { .. } => {
                Advice::FixConfiguration
            }
            Self::NotConfirmed | Self::Listener => Advice::StartAgain,
        }
    }

    /// Finds this error in another one's chain of sources.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        ErrorChain::of(error).find()
    }
}
