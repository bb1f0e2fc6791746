use std::{any::Any, fmt, ops::Deref, pin::Pin, sync::Arc};

use http::{Extensions, Request, Response, Uri};
use tokenkeeper_engine::{
    Account, Accounts, AttachResult, Credential, Error as SourceError, Seen, TokenPlacement,
    TokenSource,
};

use crate::{Anonymous, Error};

/// Whose token a request gets: one account's, or that of the account in the request's extensions.
///
/// [`TokenLayer`](crate::TokenLayer) holds one; it is public for those who build a front of their own.
#[derive(Clone)]
pub struct Tokens {
    mode: Mode,
}

#[derive(Clone)]
enum Mode {
    One(Arc<One>),
    PerRequest(Accounts),
}

/// The source of a whole layer.
#[derive(Debug)]
enum One {
    Account(Account),
    Other(Box<dyn TokenSource>),
}

impl Tokens {
    /// Every request gets the token of `source`.
    pub fn one(source: impl TokenSource) -> Self {
        let one = match (&source as &dyn Any).downcast_ref::<Account>() {
            Some(account) => One::Account(account.clone()),
            None => One::Other(Box::new(source)),
        };
        Self {
            mode: Mode::One(Arc::new(one)),
        }
    }

    /// Each request gets the token of the [`Account`] in its extensions.
    #[must_use]
    pub fn per_request(accounts: &Accounts) -> Self {
        Self {
            mode: Mode::PerRequest(accounts.clone()),
        }
    }

    /// The source for a request to `target`. `None`: it passes untouched, because it is [`Anonymous`] or goes elsewhere.
    ///
    /// # Errors
    /// [`Error::NoAccount`], [`Error::NoAuthority`] or [`Error::UserInfo`].
    #[inline]
    pub fn choose(&self, target: &Uri, extensions: &Extensions) -> Result<Option<Chosen>, Error> {
        if extensions.get::<Anonymous>().is_some() {
            return Ok(None);
        }
        let chosen = match &self.mode {
            Mode::One(one) => one.source().allows(target).then(|| Inner::One(one.clone())),
            Mode::PerRequest(accounts) => of_request(accounts, target, extensions)?,
        };
        if chosen.is_none() {
            refuse_unclear(target)?;
        }
        Ok(chosen.map(Chosen))
    }

    /// Whether every token goes into `Authorization`, which HTTP clients strip when a redirect leaves the origin.
    #[must_use]
    pub fn only_in_authorization(&self) -> bool {
        match &self.mode {
            Mode::One(one) => one.source().any().placement() == TokenPlacement::Authorization,
            Mode::PerRequest(accounts) => accounts
                .placements()
                .all(|a| a == TokenPlacement::Authorization),
        }
    }
}

impl From<Account> for Tokens {
    fn from(account: Account) -> Self {
        Self::one(account)
    }
}

impl From<&Accounts> for Tokens {
    fn from(accounts: &Accounts) -> Self {
        Self::per_request(accounts)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mode {
            Mode::One(one) => f.debug_tuple("One").field(&one.source().any()).finish(),
            Mode::PerRequest(_) => f.write_str("PerRequest"),
        }
    }
}

/// The [`TokenSource`] that was chosen for a request.
#[derive(Clone, Debug)]
pub struct Chosen(Inner);

#[derive(Clone, Debug)]
enum Inner {
    One(Arc<One>),
    Account(Account),
}

/// A source that is asked. An account is called by its own methods, which the compiler sees through.
#[derive(Clone, Copy)]
enum Source<'a> {
    Account(&'a Account),
    Other(&'a dyn TokenSource),
}

impl One {
    #[inline]
    fn source(&self) -> Source<'_> {
        match self {
            Self::Account(account) => Source::Account(account),
            Self::Other(source) => Source::Other(&**source),
        }
    }
}

impl<'a> Source<'a> {
    fn any(self) -> &'a dyn TokenSource {
        match self {
            Self::Account(account) => account,
            Self::Other(source) => source,
        }
    }

    #[inline]
    fn allows(self, target: &Uri) -> bool {
        match self {
            Self::Account(account) => account.allows(target),
            Self::Other(source) => source.allows(target),
        }
    }
}

impl Chosen {
    #[inline]
    fn source(&self) -> Source<'_> {
        match &self.0 {
            Inner::One(one) => one.source(),
            Inner::Account(account) => Source::Account(account),
        }
    }

    /// Attaches the token if no waiting is needed. The token of the account of all requests is remembered.
    #[inline(always)]
    pub(crate) fn attach<B>(
        &self,
        seen: &mut Seen,
        request: &mut Request<B>,
        replayable: bool,
    ) -> Option<AttachResult> {
        match &self.0 {
            Inner::One(one) => match one.source() {
                Source::Account(account) => account.attach_seen(seen, request, replayable),
                Source::Other(source) => Some(source.try_credential(replayable)?.attach(request)),
            },
            Inner::Account(account) => account.attach(request, replayable),
        }
    }

    /// [`TokenSource::credential`], in one box.
    #[cold]
    pub(crate) fn into_credential(
        self,
        replayable: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Credential, SourceError>> + Send>> {
        if let Source::Account(account) = self.source() {
            return Box::pin(account.clone().into_credential(replayable));
        }
        Box::pin(async move { self.credential(replayable).await })
    }

    /// Whether [`TokenSource::classify_response`] has nothing to say of this response, on the valid path.
    // Not inlined: a response that is looked into where it is moved is moved in pieces, which costs more than the call.
    #[inline(never)]
    pub(crate) fn is_content<B>(&self, response: &Response<B>) -> bool {
        match self.source() {
            Source::Account(account) => account.is_content(response.status()),
            Source::Other(_) => false,
        }
    }
}

impl Deref for Chosen {
    type Target = dyn TokenSource;

    fn deref(&self) -> &Self::Target {
        self.source().any()
    }
}

fn of_request(
    accounts: &Accounts,
    target: &Uri,
    extensions: &Extensions,
) -> Result<Option<Inner>, Error> {
    match extensions.get::<Account>() {
        Some(account) => Ok(account
            .allows(target)
            .then(|| Inner::Account(account.clone()))),
        None if accounts.allows(target) => Err(Error::NoAccount),
        None => Ok(None),
    }
}

/// A source owns no URI of this kind, so it is enough to look at those that nobody owns.
#[cold]
fn refuse_unclear(target: &Uri) -> Result<(), Error> {
    match target.authority() {
        None => Err(Error::NoAuthority),
        Some(authority) if authority.as_str().contains('@') => Err(Error::UserInfo),
        Some(_) => Ok(()),
    }
}
