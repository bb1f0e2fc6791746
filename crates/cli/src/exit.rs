//! The exit statuses, which a script can rely on.

use std::{error::Error as StdError, process::ExitCode};

use tokenkeeper::{Advice, Error, login::Error as LoginError};

use crate::BoxError;

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
    /// Ctrl-C: 128 and the number of the signal, as shells have it.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
    /// SIGHUP: the terminal is gone.
    HungUp = 129,
}

impl Exit {
    /// Returns what an error means, by the advice of the library's error in its chain.
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Self {
        if let Some(error) = find::<Exited>(error) {
            return error.exit;
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

/// Returns the error after a signal.
pub(crate) fn interrupted(exit: Exit) -> BoxError {
    let text = "interrupted; everything that had arrived is written".to_owned();
    Exited { exit, text }.into()
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
