use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use tokenkeeper_engine::{AccountWait, Credential, Error as SourceError};

use super::Waiting;
use crate::policy::Source;

/// The future of [`Exchange::credential`](super::Exchange::credential).
///
/// Dropping it only stops the waiting.
#[must_use = "futures do nothing unless polled"]
pub struct CredentialFuture {
    source: Source,
    wait: SourceWait,
}

impl CredentialFuture {
    pub(crate) fn new(source: Source, replayable: bool) -> Self {
        let wait = source.wait(replayable);
        Self { source, wait }
    }
}

impl Future for CredentialFuture {
    type Output = Result<Credential, SourceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { source, wait } = &mut *self;
        wait.poll(source, cx)
    }
}

impl fmt::Debug for CredentialFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialFuture").finish_non_exhaustive()
    }
}

/// A wait for the token of a [`Source`].
pub(crate) enum SourceWait {
    /// Needs no allocation.
    Account(AccountWait),
    Other(Waiting<Credential>),
}

impl SourceWait {
    /// Polls with the source that made it.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        source: &Source,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Credential, SourceError>> {
        match self {
            Self::Account(wait) => {
                let account = source.account().expect("an account made this wait");
                wait.poll(account, cx)
            }
            Self::Other(token) => token.as_mut().poll(cx),
        }
    }
}
