//! Whose token requests get, and whether they are replayed.

mod passed;
mod source;
mod tokens;

use std::sync::Arc;

use http::{Extensions, Request, Uri};
use tokenkeeper_engine::{Account, Accounts, Seen, SeenToken, TokenSource, protocol::Origin};

pub(crate) use self::source::{Fresh, Source};
use self::{
    passed::{PassedOrigins, Target, allowed},
    source::One,
    tokens::Tokens,
};
use crate::{
    Anonymous, Error, NoReplay,
    exchange::{Exchange, Waiting},
    fixed::Fixed,
};

/// How many bytes of a body are recorded for a replay by default: 64 KiB.
const REPLAY_LIMIT: usize = 64 * 1024;

/// The options of a front: whose token requests get, and whether they are replayed.
///
/// Setters can be called in any order, and none fails.
///
/// ```
/// # use tokenkeeper_engine::Account;
/// use tokenkeeper_tower::{TokenLayer, TokenPolicy};
///
/// # fn layer(account: Account) -> TokenLayer {
/// TokenLayer::new(TokenPolicy::new(account).replay_limit(1024 * 1024).strict_origins(true))
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenPolicy {
    tokens: Tokens,
    replay: bool,
    replay_limit: usize,
    strict_origins: bool,
    origin: Option<Uri>,
    passed: Arc<PassedOrigins>,
}

impl TokenPolicy {
    /// Gives every request to the provider's origins the token of this account.
    pub fn new(account: Account) -> Self {
        Self::with_tokens(Tokens::one(One::Account(account)))
    }

    /// Gives each request the token of the [`Account`] in its extensions, or else that of the
    /// [scope](Account::scope) in which it is sent.
    ///
    /// A [`TokenService`](crate::TokenService) takes the account out of the extensions: the inner
    /// service gets the token in its place.
    ///
    /// A request without an account fails with [`Error::NoAccount`], unless it goes to an origin of
    /// no configured provider or carries [`Anonymous`].
    pub fn per_request(accounts: &Accounts) -> Self {
        Self::with_tokens(Tokens::PerRequest(accounts.clone()))
    }

    /// Gives every request to the source's origins the token of your own source.
    pub fn from_source(source: impl TokenSource) -> Self {
        Self::with_tokens(Tokens::one(One::Other(Box::new(source))))
    }

    /// Puts `Authorization: Bearer <token>` on every request to one of these origins, without
    /// refreshes, for your own tests.
    ///
    /// # Panics
    ///
    /// If `token` is empty or holds anything but visible ASCII.
    pub fn fixed(token: &str, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self::from_source(Fixed::new(token, origins))
    }

    fn with_tokens(tokens: Tokens) -> Self {
        Self {
            tokens,
            replay: true,
            replay_limit: REPLAY_LIMIT,
            strict_origins: false,
            origin: None,
            passed: Arc::default(),
        }
    }

    /// Sets whether a request whose token was rejected is sent a second time with a new one.
    ///
    /// On by default. It costs a copy of the request's head. A single request opts out with
    /// [`NoReplay`].
    pub fn replay(mut self, on: bool) -> Self {
        self.replay = on;
        self
    }

    /// Sets how many bytes of a request's body are recorded for a replay.
    ///
    /// The default is 64 KiB. If more of the body was read before the token was rejected, the
    /// request is not replayed. A body that is in memory anyway, as reqwest's can be, has no limit.
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Sets whether a request to another origin fails with [`Error::OtherOrigin`].
    ///
    /// Off by default: such a request passes untouched, and is logged once per origin; as a warning
    /// with both origins if it has an account, or the client has one. [`Anonymous`] requests always
    /// pass.
    pub fn strict_origins(mut self, on: bool) -> Self {
        self.strict_origins = on;
        self
    }

    /// Sets the origin of requests with a relative URI, for a client that completes them, such as
    /// tonic's `Channel`.
    ///
    /// It is only compared with the source's origins: the request's URI is not changed. Without it
    /// such a request fails with [`Error::NoAuthority`], and with one that is neither https nor
    /// loopback with [`Error::Origin`].
    pub fn origin(mut self, origin: Uri) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Returns whether every token goes into `Authorization`, which HTTP clients strip when a
    /// redirect leaves the origin.
    #[must_use]
    pub fn only_in_authorization(&self) -> bool {
        self.tokens.only_in_authorization()
    }

    /// Chooses the token source of a request. `None`: send the request as it is.
    ///
    /// A request with [`Anonymous`] passes untouched. So does one to another origin, which is
    /// logged once per origin. A policy for an account per request takes the one in `extensions`,
    /// or else that of the [scope](Account::scope) around the caller.
    ///
    /// # Errors
    ///
    /// [`Error::NoAccount`], [`Error::NoAuthority`], [`Error::Origin`], [`Error::UserInfo`] or
    /// [`Error::OtherOrigin`]. After [`Error::NotLoaded`], wait for [`load`](Self::load) and begin
    /// again.
    #[inline(always)]
    pub fn begin(&self, uri: &Uri, extensions: &Extensions) -> Result<Option<Exchange>, Error> {
        let Some(source) = self.choose(uri, extensions)? else {
            return Ok(None);
        };
        Ok(Some(Exchange::new(
            source,
            self.replay_limit_of(extensions),
        )))
    }

    /// [`begin`](Self::begin) for a front that owns the request: the account moves out of the
    /// extensions, so that no count changes that other requests use, and no replay copies it.
    #[inline(always)]
    pub(crate) fn begin_owned<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<Exchange>, Error> {
        if let Some(account) = self.tokens.take_account(request.extensions_mut()) {
            let (uri, extensions) = (request.uri(), request.extensions());
            if extensions.get::<Anonymous>().is_none() && account.allows(self.target(uri)) {
                let replay_limit = self.replay_limit_of(extensions);
                return Ok(Some(Exchange::new(Source::Account(account), replay_limit)));
            }
            // The request may pass untouched, or begin again once the account is loaded.
            request.extensions_mut().insert(account);
        }
        self.begin(request.uri(), request.extensions())
    }

    /// Keeps the account of a request that begins again once it is loaded, perhaps outside the
    /// scope in which the request was sent.
    #[doc(hidden)]
    #[cold]
    pub fn keep_account(&self, extensions: &mut Extensions) {
        self.tokens.keep_account(extensions);
    }

    /// [`begin`](Self::begin) for a front that remembers the token of its account. `None`: begin
    /// without it.
    #[inline(always)]
    pub(crate) fn begin_seen<'s, B>(
        &self,
        seen: &'s Seen,
        request: &Request<B>,
    ) -> Option<(Exchange, &'s SeenToken)> {
        let (uri, extensions) = (request.uri(), request.extensions());
        if extensions.get::<Anonymous>().is_some() {
            return None;
        }
        let target = if self.origin.is_none() {
            uri
        } else {
            self.target(uri)
        };
        let (source, token) = self.tokens.seen(seen, target)?;
        let exchange = Exchange::new(source, self.replay_limit_of(extensions));
        Some((exchange, token))
    }

    /// Returns whether requests are replayed unless they opt out.
    #[inline]
    pub(crate) fn replays(&self) -> bool {
        self.replay
    }

    /// Returns the limit of a request that may be replayed.
    #[inline]
    fn replay_limit_of(&self, extensions: &Extensions) -> Option<usize> {
        (self.replay && extensions.get::<NoReplay>().is_none()).then_some(self.replay_limit)
    }

    /// Returns the URI to compare with the source's origins.
    #[inline]
    fn target<'u>(&'u self, uri: &'u Uri) -> &'u Uri {
        match &self.origin {
            Some(origin) if uri.authority().is_none() => origin,
            _ => uri,
        }
    }

    #[inline(always)]
    fn choose(&self, uri: &Uri, extensions: &Extensions) -> Result<Option<Source>, Error> {
        if extensions.get::<Anonymous>().is_some() {
            return Ok(None);
        }
        let target = self.target(uri);
        match self.tokens.choose(target, extensions)? {
            Some(source) => Ok(Some(source)),
            None => self.pass(uri, target, extensions),
        }
    }

    /// Loads the source of a request for which [`begin`](Self::begin) returned
    /// [`Error::NotLoaded`].
    ///
    /// # Errors
    ///
    /// The source's, if it has no token or cannot be loaded: fail with it, and don't send the
    /// request.
    #[cold]
    #[must_use]
    pub fn load(&self, extensions: &Extensions) -> Waiting<()> {
        let source = self.tokens.source(extensions);
        Box::pin(async move {
            match source {
                Some(source) => source.any().load().await,
                None => Ok(()),
            }
        })
    }

    /// Lets a request pass untouched whose target is no origin of the source.
    // A source allows no URI without authority or with user info, so only these are checked.
    #[cold]
    fn pass(
        &self,
        uri: &Uri,
        target: &Uri,
        extensions: &Extensions,
    ) -> Result<Option<Source>, Error> {
        let source = self.tokens.source(extensions);
        let source = source.as_ref().map(Source::any);
        if source.is_some_and(|source| source.may_allow(target)) {
            return Err(Error::NotLoaded);
        }
        match target.authority() {
            None => Err(Error::NoAuthority),
            // A misspelt origin would send every relative request without a token.
            Some(_) if uri.authority().is_none() && Origin::of(target).is_none() => {
                Err(Error::Origin)
            }
            Some(authority) if authority.as_str().contains('@') => Err(Error::UserInfo),
            Some(_) if self.strict_origins => Err(Error::OtherOrigin {
                origin: Target(target).to_string(),
                allowed: allowed(source),
            }),
            Some(_) => {
                self.passed.log(target, source);
                Ok(None)
            }
        }
    }
}

impl From<Account> for TokenPolicy {
    fn from(account: Account) -> Self {
        Self::new(account)
    }
}

impl From<&Accounts> for TokenPolicy {
    fn from(accounts: &Accounts) -> Self {
        Self::per_request(accounts)
    }
}
