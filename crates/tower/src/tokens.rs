use std::{any::Any, fmt, ops::Deref, sync::Arc};

use http::{Extensions, HeaderMap, StatusCode, Uri};
use tokenkeeper_session::{
    Account, Accounts, Attaches, Credential, TokenSource, protocol::Verdict,
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
    One(Chosen),
    PerRequest(Accounts),
}

impl Tokens {
    /// Every request gets the token of `source`.
    pub fn one(source: impl TokenSource) -> Self {
        // An account is called by its own methods, which the compiler sees through.
        let one = match (&source as &dyn Any).downcast_ref::<Account>() {
            Some(account) => Inner::Account(account.clone()),
            None => Inner::Shared(Arc::new(source)),
        };
        Self {
            mode: Mode::One(Chosen(one)),
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
        match &self.mode {
            Mode::One(source) if source.owns_target(target) => return Ok(Some(source.clone())),
            Mode::One(_) => {}
            Mode::PerRequest(accounts) => match extensions.get::<Account>() {
                Some(account) if account.owns(target) => {
                    return Ok(Some(Chosen(Inner::Account(account.clone()))));
                }
                Some(_) => {}
                None if accounts.owns(target) => return Err(Error::NoAccount),
                None => {}
            },
        }
        refuse_unclear(target)?;
        Ok(None)
    }

    /// Whether every token goes into `Authorization`, which HTTP clients strip when a redirect leaves the origin.
    #[must_use]
    pub fn only_in_authorization(&self) -> bool {
        match &self.mode {
            Mode::One(source) => source.attaches() == Attaches::Authorization,
            Mode::PerRequest(accounts) => accounts.attaches().all(|a| a == Attaches::Authorization),
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
            Mode::One(source) => f.debug_tuple("One").field(source).finish(),
            Mode::PerRequest(_) => f.write_str("PerRequest"),
        }
    }
}

/// The [`TokenSource`] that was chosen for a request.
#[derive(Clone, Debug)]
pub struct Chosen(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Shared(Arc<dyn TokenSource>),
    Account(Account),
}

/// What the valid path asks, without the way through a table of methods where it is an account.
impl Chosen {
    #[inline]
    pub(crate) fn credential(&self, replayable: bool) -> Option<Credential> {
        match &self.0 {
            Inner::Shared(source) => source.cached(replayable),
            Inner::Account(account) => account.cached(replayable),
        }
    }

    #[inline]
    pub(crate) fn verdict(
        &self,
        sent: &Credential,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        match &self.0 {
            Inner::Shared(source) => source.read(sent, status, headers),
            Inner::Account(account) => account.read(sent, status, headers),
        }
    }

    #[inline]
    fn owns_target(&self, target: &Uri) -> bool {
        match &self.0 {
            Inner::Shared(source) => source.owns(target),
            Inner::Account(account) => account.owns(target),
        }
    }
}

impl Deref for Chosen {
    type Target = dyn TokenSource;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Inner::Shared(source) => &**source,
            Inner::Account(account) => account,
        }
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
