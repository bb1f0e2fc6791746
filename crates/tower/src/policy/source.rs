use std::sync::Arc;

use http::Request;
use tokenkeeper_engine::{
    Account, AccountWait, AttachResult, Credential, FreshToken, Seen, SeenToken, TokenSource,
};

use crate::exchange::SourceWait;

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

/// The token to send now.
pub(crate) enum Fresh<'s> {
    /// The front remembers it.
    Seen(&'s SeenToken),
    /// Borrowed, without a count.
    Account(FreshToken),
    Other(Credential),
}

impl Fresh<'_> {
    #[inline(always)]
    pub(crate) fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        match self {
            Self::Seen(token) => token.attach(request),
            Self::Account(token) => token.attach(request),
            Self::Other(credential) => credential.attach(request),
        }
    }
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

    /// Returns the account whose tokens these are, unless the source is another one.
    #[inline]
    pub(crate) fn account(&self) -> Option<&Account> {
        match self {
            Self::One(one) => match &**one {
                One::Account(account) => Some(account),
                One::Other(_) => None,
            },
            Self::Account(account) => Some(account),
        }
    }

    /// Returns the token to send now, or starts to wait for it.
    ///
    /// # Errors
    ///
    /// The wait.
    #[inline]
    pub(crate) fn start(&self, replayable: bool) -> Result<Credential, SourceWait> {
        match self.account() {
            Some(account) => account.start(replayable).map_err(SourceWait::Account),
            None => (self.any().try_credential(replayable)).ok_or_else(|| self.wait(replayable)),
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
    pub(crate) fn wait(&self, replayable: bool) -> SourceWait {
        if self.account().is_some() {
            return SourceWait::Account(AccountWait::new(replayable));
        }
        let source = self.clone();
        let token = async move { source.any().credential(replayable).await };
        SourceWait::Other(Box::pin(token))
    }

    /// Returns the status below which the source need not see the response to a request that is
    /// sent now.
    #[inline]
    pub(crate) fn content_below(&self) -> u16 {
        self.account().map_or(0, Account::content_below)
    }
}
