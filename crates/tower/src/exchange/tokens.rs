use std::{fmt, sync::Arc};

use http::{Extensions, Uri};
use tokenkeeper_engine::{Account, Accounts, TokenPlacement, TokenSource};

use super::source::{One, Source};
use crate::{Error, fixed::Fixed};

/// Whose token a request gets: that of one source, or that of the account in its extensions.
///
/// Made from an [`Account`], from a reference to [`Accounts`], or with
/// [`from_source`](Self::from_source).
#[derive(Clone)]
pub struct Tokens {
    mode: Mode,
}

#[derive(Clone)]
enum Mode {
    One(Arc<One>),
    PerRequest(Accounts),
}

impl Tokens {
    /// Gives every request to the source's origins the token of your own [`TokenSource`].
    pub fn from_source(source: impl TokenSource) -> Self {
        Self::one(One::Other(Box::new(source)))
    }

    /// Gives each request the token of the [`Account`] in its extensions.
    #[must_use]
    pub fn per_request(accounts: &Accounts) -> Self {
        Self {
            mode: Mode::PerRequest(accounts.clone()),
        }
    }

    /// Gives every request over https or to loopback a token that never changes, for your own
    /// tests.
    ///
    /// # Panics
    ///
    /// If `token` is empty or holds anything but visible ASCII.
    #[must_use]
    pub fn fixed(token: &str) -> Self {
        Self::from_source(Fixed::new(token))
    }

    /// Returns whether every token goes into `Authorization`, which HTTP clients strip when a
    /// redirect leaves the origin.
    #[must_use]
    pub fn only_in_authorization(&self) -> bool {
        match &self.mode {
            Mode::One(one) => one.any().placement() == TokenPlacement::Authorization,
            Mode::PerRequest(accounts) => accounts
                .placements()
                .all(|placement| placement == TokenPlacement::Authorization),
        }
    }

    fn one(one: One) -> Self {
        Self {
            mode: Mode::One(Arc::new(one)),
        }
    }

    /// Chooses the source of a request. `None`: its target is no origin of the source.
    #[inline]
    pub(super) fn choose(
        &self,
        target: &Uri,
        extensions: &Extensions,
    ) -> Result<Option<Source>, Error> {
        let account = match &self.mode {
            Mode::One(one) => match &**one {
                One::Account(account) => account,
                One::Other(source) => {
                    return Ok(source.allows(target).then(|| Source::One(one.clone())));
                }
            },
            Mode::PerRequest(accounts) => match extensions.get::<Account>() {
                Some(account) => account,
                None if accounts.allows(target) => return Err(Error::NoAccount),
                None => return Ok(None),
            },
        };
        Ok(account.allows(target).then(|| match &self.mode {
            Mode::One(one) => Source::One(one.clone()),
            Mode::PerRequest(_) => Source::Account(account.clone()),
        }))
    }
}

impl From<Account> for Tokens {
    fn from(account: Account) -> Self {
        Self::one(One::Account(account))
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
            Mode::One(one) => f.debug_tuple("One").field(&one.any()).finish(),
            Mode::PerRequest(_) => f.write_str("PerRequest"),
        }
    }
}
