use std::sync::Arc;

use http::Request;
use tokenkeeper_engine::{Account, AttachResult, Seen, TokenSource};

use crate::exchange::CredentialFuture;

/// The token source that was chosen for a request.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// That of all requests: one count to clone, not the two of an account.
    One(Arc<One>),
    /// That of this request.
    Account(Account),
}

/// The token source of all requests of a front.
#[derive(Debug)]
pub(crate) enum One {
    /// Called by its own methods, which the compiler inlines.
    Account(Account),
    Other(Box<dyn TokenSource>),
}

impl One {
    pub(super) fn any(&self) -> &dyn TokenSource {
        match self {
            Self::Account(account) => account,
            Self::Other(source) => &**source,
        }
    }
}

impl Source {
    /// Returns the source off the valid path.
    pub(crate) fn any(&self) -> &dyn TokenSource {
        match self {
            Self::One(one) => one.any(),
            Self::Account(account) => account,
        }
    }

    /// Attaches the token if no waiting is needed.
    #[inline(always)]
    pub(crate) fn attach<B>(
        &self,
        request: &mut Request<B>,
        replayable: bool,
    ) -> Option<AttachResult> {
        match self {
            Self::One(one) => match &**one {
                One::Account(account) => account.attach(request, replayable),
                One::Other(source) => Some(source.try_credential(replayable)?.attach(request)),
            },
            Self::Account(account) => account.attach(request, replayable),
        }
    }

    /// Lets `seen` remember the token of the account of all requests.
    #[inline(always)]
    pub(crate) fn remember(&self, seen: &mut Seen) {
        if let Self::One(one) = self
            && let One::Account(account) = &**one
        {
            seen.remember(account);
        }
    }

    /// Waits for the token to send.
    #[cold]
    pub(crate) fn into_credential(self, replayable: bool) -> CredentialFuture {
        let account = match self {
            Self::Account(account) => account,
            Self::One(one) => match &*one {
                One::Account(account) => account.clone(),
                One::Other(_) => {
                    let token = async move { one.any().credential(replayable).await };
                    return CredentialFuture::of_source(Box::pin(token));
                }
            },
        };
        CredentialFuture::of_account(account.into_credential(replayable))
    }

    /// Returns the status below which the source need not see the response to a request that is
    /// sent now.
    #[inline]
    pub(crate) fn content_below(&self) -> u16 {
        match self {
            Self::One(one) => match &**one {
                One::Account(account) => account.content_below(),
                One::Other(_) => 0,
            },
            Self::Account(account) => account.content_below(),
        }
    }
}
