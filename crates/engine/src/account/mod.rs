//! The handle to an account.

mod fresh;
mod login;
mod scope;
mod wait;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode, Uri};
use tokenkeeper_protocol::{ApiOrigin, Origin, Provider, Verdict};
use tokenkeeper_refresh::TokenVersion;
use tokenkeeper_store::{Key, KeyDigest};

pub use self::{fresh::FreshToken, wait::AccountWait};
use crate::{
    engine::{AccountEntry, Core, acquire, rejection},
    error::Error,
    placement::TokenPlacement,
    source::{Credential, TokenSource},
    status::Status,
    token::Token,
};

/// A handle to one connection that a person granted to the application, and to its tokens.
///
/// Handles are cheap to clone. All handles of one account share its tokens and its refreshes.
/// `Debug` shows a digest of the key, never the subject.
///
/// ```
/// use tokenkeeper_engine::protocol::TokenSet;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let account = accounts.account("amiqus", "user-42")?;
/// account.adopt(TokenSet::new("access-1")).await?; // or a login: see `LoginRedirect`
///
/// let token = account.token().await?;
/// assert_eq!(token.expose(), "access-1");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Account {
    core: Arc<Core>,
    entry: Arc<AccountEntry>,
}

impl Account {
    pub(crate) fn new(core: Arc<Core>, entry: Arc<AccountEntry>) -> Self {
        Self { core, entry }
    }

    /// Returns the application's name for the connection.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.entry.subject
    }

    /// Returns the provider's brand.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.entry.site.provider.brand()
    }

    /// Returns the origin of the provider's site.
    #[must_use]
    pub fn site(&self) -> &Origin {
        &self.entry.site.site
    }

    /// Returns the key of the account in the store.
    #[must_use]
    pub fn key(&self) -> Key {
        self.entry.key()
    }

    /// Returns the short digest of the key that logs and errors show.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        self.entry.digest()
    }

    /// Returns a valid token, after a refresh if one is needed: for an SDK or a websocket.
    ///
    /// It waits for at most [`Options::acquire_timeout`](crate::Options::acquire_timeout).
    ///
    /// # Errors
    /// - [`Error::NotConnected`], [`Error::Disconnected`] or [`Error::ReauthorizationRequired`] if
    ///   the account needs a login.
    /// - [`Error::Unavailable`] or [`Error::Configuration`] if the token endpoint gave no token.
    /// - [`Error::Store`], [`Error::StoreTooSlow`] or [`Error::Record`] if the store is the reason.
    /// - [`Error::Protocol`] if the token cannot be attached to requests.
    /// - [`Error::Timeout`] if no result came in time, [`Error::ShutDown`] after a shutdown.
    /// - [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting, not the refresh.
    pub async fn token(&self) -> Result<Token, Error> {
        let snapshot = acquire::token(&self.core, &self.entry, true).await?;
        let record = snapshot.record.clone();
        record
            .and_then(Token::of)
            .ok_or_else(|| self.disconnected())
    }

    /// Refreshes the token now, even if it is valid. Concurrent callers share one refresh.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting, not the refresh.
    pub async fn refresh(&self) -> Result<Token, Error> {
        self.entry.touch();
        acquire::refresh(&self.core, &self.entry).await?;
        let record = self.entry.lock().machine.record().cloned();
        record
            .and_then(Token::of)
            .ok_or_else(|| self.disconnected())
    }

    /// Reads the account from the store and returns its state.
    ///
    /// # Errors
    /// - [`Error::Store`] if the store fails, [`Error::Record`] if its record cannot be read.
    /// - [`Error::Timeout`] if no result came in time, [`Error::ShutDown`] after a shutdown.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the waiting, not the read.
    pub async fn status(&self) -> Result<Status, Error> {
        self.entry.touch();
        acquire::compare(&self.core, &self.entry).await?;
        Ok(Status::of(&self.entry, self.core.time.wall_time()))
    }

    /// Returns the status below which a response to a request that is sent now says nothing about
    /// the token, so that [`TokenSource::classify_response`] need not be called.
    ///
    /// For the fronts of this workspace: it saves more than 100 instructions per request.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn content_below(&self) -> u16 {
        rejection::content_below(self.entry.state.load()) as u16
    }

    /// Returns the token that [`TokenSource::try_credential`] would return if it asked no machine.
    ///
    /// The caller must check [`TokenSource::allows`] before it attaches the token.
    #[doc(hidden)]
    #[must_use]
    #[inline(always)]
    pub fn fresh(&self, replayable: bool) -> Option<FreshToken> {
        let snapshot = self.entry.snapshot.load();
        acquire::fresh(&self.core, &self.entry, snapshot.as_ref(), replayable)?;
        Some(FreshToken(snapshot))
    }

    /// Returns the token to send now, or starts to wait for it.
    ///
    /// # Errors
    ///
    /// The wait.
    #[doc(hidden)]
    #[inline]
    pub fn start(&self, replayable: bool) -> Result<Credential, AccountWait> {
        match acquire::start(&self.core, &self.entry, replayable) {
            Ok(snapshot) => Ok(Credential::of(snapshot)),
            Err(acquiring) => Err(AccountWait::started(acquiring)),
        }
    }

    pub(crate) fn parts(&self) -> (&Arc<Core>, &Arc<AccountEntry>) {
        (&self.core, &self.entry)
    }

    /// Returns why the account has no tokens.
    fn without_tokens(&self) -> Error {
        match self.entry.lock().machine.record() {
            Some(record) if record.is_ended() && !record.is_forgotten() => self.disconnected(),
            _ => Error::NotConnected {
                account: self.entry.digest(),
            },
        }
    }

    fn disconnected(&self) -> Error {
        Error::Disconnected {
            account: self.entry.digest(),
        }
    }
}

/// Two handles are equal if they belong to the same account of the same engine. Equality and hash
/// read only immutable fields, so a handle is a sound map key.
impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core) && self.entry.name() == other.entry.name()
    }
}

impl Eq for Account {}

impl Hash for Account {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entry.name().hash(state);
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("provider", &self.provider())
            .field("digest", &self.entry.digest())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenSource for Account {
    #[inline]
    fn try_credential(&self, replayable: bool) -> Option<Credential> {
        acquire::try_credential(&self.core, &self.entry, replayable).map(Credential::of)
    }

    async fn credential(&self, replayable: bool) -> Result<Credential, Error> {
        let snapshot = acquire::token(&self.core, &self.entry, replayable).await?;
        Ok(Credential::of(snapshot))
    }

    async fn replacement(&self, rejected: TokenVersion) -> Result<Option<Credential>, Error> {
        let snapshot = rejection::replacement(&self.core, &self.entry, rejected).await?;
        Ok(snapshot.map(Credential::of))
    }

    fn report_rejection(&self, rejected: TokenVersion) {
        // The caller gets the response in any case; the refresh helps the next request.
        rejection::report_rejection(&self.core, &self.entry, rejected);
    }

    fn classify_response(
        &self,
        sent: TokenVersion,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        rejection::classify_response(&self.core, &self.entry, sent, status, headers)
    }

    fn placement(&self) -> TokenPlacement {
        self.entry.site.placement
    }

    #[inline(always)]
    fn allows(&self, target: &Uri) -> bool {
        self.entry.allows(target)
    }

    fn origins(&self) -> Vec<ApiOrigin> {
        self.entry.origins()
    }

    fn may_allow(&self, target: &Uri) -> bool {
        self.entry.may_allow(target)
    }

    async fn load(&self) -> Result<(), Error> {
        self.login_data().await.map(drop)
    }
}
