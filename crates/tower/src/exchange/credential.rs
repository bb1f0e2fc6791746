use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use tokenkeeper_engine::{AccountCredential, Credential, Error as SourceError};

use super::Waiting;

/// The future of [`Exchange::credential`](super::Exchange::credential).
///
/// Dropping it only stops the waiting.
#[must_use = "futures do nothing unless polled"]
pub struct CredentialFuture(Kind);

enum Kind {
    /// Needs no allocation.
    Account(AccountCredential),
    Other(Waiting<Credential>),
}

impl CredentialFuture {
    pub(crate) fn of_account(token: AccountCredential) -> Self {
        Self(Kind::Account(token))
    }

    pub(crate) fn of_source(token: Waiting<Credential>) -> Self {
        Self(Kind::Other(token))
    }
}

impl Future for CredentialFuture {
    type Output = Result<Credential, SourceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Kind::Account(token) => Pin::new(token).poll(cx),
            Kind::Other(token) => token.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for CredentialFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialFuture").finish_non_exhaustive()
    }
}
