//! The exit statuses, which a script can rely on.

use std::{error::Error as StdError, process::ExitCode};

use tokenkeeper::{Advice, Error, login::Error as LoginError, store::ErrorChain};

use crate::{BoxError, output::OutputError};

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something else failed.
    Failed = 1,
    /// The configuration or an argument must be corrected.
    Configuration = 2,
    /// The account needs a login.
    LoginNeeded = 3,
    /// It may work later: the provider or the store does not answer.
    Unavailable = 4,
    /// The API answered with an error, as `curl --fail` has it.
    HttpError = 22,
    /// The program of `run` cannot be run, as shells have it.
    CannotRun = 126,
    /// The program of `run` is not found.
    NotFound = 127,
    /// Ctrl-C: 128 and the number of the signal, as shells have it.
    Interrupted = 130,
    /// The reader of the output is gone: 128 and the number of SIGPIPE.
    PipeClosed = 141,
    /// SIGTERM.
    Terminated = 143,
    /// SIGHUP: the terminal is gone.
    HungUp = 129,
}

impl Exit {
    /// Returns what an error means, by the advice of the library's error in its chain.
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Self {
        let chain = ErrorChain::of(error);
        if let Some(error) = chain.find::<Exited>() {
            return error.exit;
        }
        if chain
            .find::<OutputError>()
            .is_some_and(OutputError::is_closed_pipe)
        {
            return Self::PipeClosed;
        }
        if of_a_request(error).is_some_and(is_of_the_network) {
            return Self::Unavailable;
        }
        let advice = match (LoginError::find(error), Error::find(error)) {
            (Some(error), _) => error.advice(),
            (None, Some(error)) => error.advice(),
            (None, None) => return Self::Failed,
        };
        match advice {
            Advice::Retry { .. } => Self::Unavailable,
            Advice::Reauthorize { .. } | Advice::Confirm { .. } | Advice::StartAgain => {
                Self::LoginNeeded
            }
            Advice::FixConfiguration => Self::Configuration,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of the command itself.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Exited {
    exit: Exit,
    text: String,
}

/// Returns an error in the configuration or in an argument.
pub(crate) fn misconfigured(text: impl Into<String>) -> Exited {
    Exited {
        exit: Exit::Configuration,
        text: text.into(),
    }
}

/// Returns the error of a login that the provider refused.
pub(crate) fn refused(text: impl Into<String>) -> Exited {
    Exited {
        exit: Exit::LoginNeeded,
        text: text.into(),
    }
}

/// Returns the error of something that may work later.
pub(crate) fn unavailable(text: impl Into<String>) -> Exited {
    Exited {
        exit: Exit::Unavailable,
        text: text.into(),
    }
}

/// Returns the error of a program that did not start.
pub(crate) fn cannot_run(text: String, not_found: bool) -> BoxError {
    let exit = if not_found {
        Exit::NotFound
    } else {
        Exit::CannotRun
    };
    Exited { exit, text }.into()
}

/// Returns the error after a signal.
pub(crate) fn interrupted(exit: Exit) -> BoxError {
    let text = "interrupted; everything that had arrived is written".to_owned();
    Exited { exit, text }.into()
}

/// Finds the HTTP client's error, which a middleware's error shows as its own.
fn of_a_request<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a reqwest::Error> {
    let chain = ErrorChain::of(error);
    match chain.find() {
        Some(reqwest_middleware::Error::Reqwest(error)) => Some(error),
        _ => chain.find(),
    }
}

/// Returns whether the API could not be reached, or broke off.
fn is_of_the_network(error: &reqwest::Error) -> bool {
    error.is_request() || error.is_body() || error.is_timeout()
}
