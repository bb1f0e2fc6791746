use std::sync::Arc;

use http::{Extensions, Uri};

use super::{Exchange, Tokens, passed::PassedOrigins, source::Source};
use crate::{Anonymous, Error, NoReplay};

/// How many bytes of a body are recorded for a replay by default: 64 KiB.
const REPLAY_LIMIT: usize = 64 * 1024;

/// The options of a front: whose token requests get, and whether they are replayed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Policy {
    tokens: Tokens,
    replay: bool,
    replay_limit: usize,
    strict_origins: bool,
    origin: Option<Uri>,
    passed: Arc<PassedOrigins>,
}

impl Policy {
    /// Makes a policy: replay is on, with 64 KiB of each body, and origins are not strict.
    pub fn new(tokens: impl Into<Tokens>) -> Self {
        Self {
            tokens: tokens.into(),
            replay: true,
            replay_limit: REPLAY_LIMIT,
            strict_origins: false,
            origin: None,
            passed: Arc::default(),
        }
    }

    /// Sets whether a request whose token was rejected is sent a second time with a new one.
    pub fn replay(mut self, on: bool) -> Self {
        self.replay = on;
        self
    }

    /// Sets how many bytes of a body are recorded for a replay.
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Sets whether a request to another origin fails with [`Error::OtherOrigin`].
    pub fn strict_origins(mut self, on: bool) -> Self {
        self.strict_origins = on;
        self
    }

    /// Sets the origin of requests with a relative URI.
    pub fn origin(mut self, origin: Uri) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Returns the token sources.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Chooses the token source of a request. `None`: send the request as it is.
    ///
    /// A request with [`Anonymous`] passes untouched. So does one to another origin, which is
    /// logged once per origin.
    ///
    /// # Errors
    ///
    /// [`Error::NoAccount`], [`Error::NoAuthority`], [`Error::UserInfo`] or [`Error::OtherOrigin`].
    #[inline]
    pub fn begin(&self, uri: &Uri, extensions: &Extensions) -> Result<Option<Exchange>, Error> {
        let Some(source) = self.choose(uri, extensions)? else {
            return Ok(None);
        };
        let replay_limit =
            (self.replay && extensions.get::<NoReplay>().is_none()).then_some(self.replay_limit);
        Ok(Some(Exchange {
            source,
            replay_limit,
        }))
    }

    #[inline]
    fn choose(&self, uri: &Uri, extensions: &Extensions) -> Result<Option<Source>, Error> {
        if extensions.get::<Anonymous>().is_some() {
            return Ok(None);
        }
        let target = match &self.origin {
            Some(origin) if uri.authority().is_none() => origin,
            _ => uri,
        };
        match self.tokens.choose(target, extensions)? {
            Some(source) => Ok(Some(source)),
            None => self.pass(target),
        }
    }

    /// Lets a request pass untouched whose target is no origin of the source.
    // A source allows no URI without authority or with user info, so only these are checked.
    #[cold]
    fn pass(&self, target: &Uri) -> Result<Option<Source>, Error> {
        match target.authority() {
            None => Err(Error::NoAuthority),
            Some(authority) if authority.as_str().contains('@') => Err(Error::UserInfo),
            Some(_) if self.strict_origins => Err(Error::OtherOrigin),
            Some(authority) => {
                self.passed.log(target.scheme(), authority);
                Ok(None)
            }
        }
    }
}
