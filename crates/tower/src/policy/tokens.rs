use std::{fmt, sync::Arc};

use http::{Extensions, Uri};
use tokenkeeper_engine::{Account, Accounts, Seen, SeenToken, TokenPlacement, TokenSource as _};

use super::source::{One, Source};
use crate::Error;

/// Whose token a request gets.
#[derive(Clone)]
pub(super) enum Tokens {
    /// That of one source.
    One(Arc<One>),
    /// That of the account which the request [names](account_of).
    PerRequest(Accounts),
}

impl Tokens {
    pub(super) fn one(one: One) -> Self {
        Self::One(Arc::new(one))
    }

    /// Returns whether every token goes into `Authorization`.
    pub(super) fn only_in_authorization(&self) -> bool {
        let is_safe = |placement| placement == TokenPlacement::Authorization;
        match self {
            Self::One(one) => is_safe(one.any().placement()),
            Self::PerRequest(accounts) => accounts.placements().all(is_safe),
        }
    }

    /// Returns the source of a request, whatever its target is. `None`: it names no account.
    pub(super) fn source(&self, extensions: &Extensions) -> Option<Source> {
        match self {
            Self::One(one) => Some(Source::One(one.clone())),
            Self::PerRequest(_) => account_of(extensions).map(Source::Account),
        }
    }

    /// Takes the account of a request out of its extensions, if it decides whose token it gets.
    #[inline(always)]
    pub(super) fn take_account(&self, extensions: &mut Extensions) -> Option<Account> {
        match self {
            Self::One(_) => None,
            Self::PerRequest(_) => extensions.remove(),
        }
    }

    /// Puts the account that a request names into its extensions, where it stays known after the
    /// scope in which the request was sent.
    #[cold]
    pub(super) fn keep_account(&self, extensions: &mut Extensions) {
        if let Self::PerRequest(_) = self
            && let Some(account) = account_of(extensions)
        {
            extensions.insert(account);
        }
    }

    /// Returns the source of all requests and its token, if `seen` remembers one for the target.
    #[inline(always)]
    pub(super) fn seen<'s>(&self, seen: &'s Seen, target: &Uri) -> Option<(Source, &'s SeenToken)> {
        let Self::One(one) = self else { return None };
        let One::Account(account) = &**one else {
            return None;
        };
        let token = seen.token_of(account, target)?;
        Some((Source::One(one.clone()), token))
    }

    /// Chooses the source of a request. `None`: its target is no origin of the source.
    #[inline(always)]
    pub(super) fn choose(
        &self,
        target: &Uri,
        extensions: &Extensions,
    ) -> Result<Option<Source>, Error> {
        match self {
            Self::One(one) => {
                let allowed = match &**one {
                    One::Account(account) => account.allows(target),
                    One::Other(source) => source.allows(target),
                };
                Ok(allowed.then(|| Source::One(one.clone())))
            }
            Self::PerRequest(accounts) => match account_of(extensions) {
                Some(account) if account.allows(target) => Ok(Some(Source::Account(account))),
                // The account in the extensions was chosen for this request, that of a scope for
                // whatever is sent within it.
                Some(account) if is_named(extensions) || account.may_allow(target) => Ok(None),
                _ if accounts.allows(target) => Err(Error::NoAccount),
                _ => Ok(None),
            },
        }
    }
}

/// Returns the account that a request names: the one in its extensions, or else that of the scope
/// in which it is sent.
// Not inlined: the paths that come here without need of it stay as they are.
#[inline(never)]
fn account_of(extensions: &Extensions) -> Option<Account> {
    let account = extensions.get::<Account>().cloned();
    account.or_else(Account::current)
}

/// Returns whether a request names its account in its extensions.
fn is_named(extensions: &Extensions) -> bool {
    extensions.get::<Account>().is_some()
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => f.debug_tuple("One").field(&one.any()).finish(),
            Self::PerRequest(_) => f.write_str("PerRequest"),
        }
    }
}
