//! The handle of one account.

use std::{
    fmt,
    hash::{Hash, Hasher},
    mem,
    ops::Deref,
    ptr,
    sync::Arc,
};

use arc_swap::{ArcSwapOption, Cache};
use async_trait::async_trait;
use http::{HeaderMap, Request, StatusCode, Uri};
use tokenkeeper_protocol::{Origin, Provider, TokenSet, Verdict};
use tokenkeeper_store::{Key, KeyDigest};

use tokenkeeper_refresh::{Record, TokenVersion};

use crate::{
    connect,
    engine::{
        AccountEntry, AttachResult, Core, Payload, Snapshot, Terms, acquire, change, rejection,
    },
    error::Error,
    flow::{ConnectOptions, LoginRedirect},
    placement::TokenPlacement,
    source::{Credential, TokenSource},
    status::Status,
};

/// One connection that somebody gave the application: the way to its tokens.
///
/// Cheap to clone, to send and to share; all handles of one account share its tokens and its
/// refreshes. `Debug` shows a digest of the key, never the subject.
///
/// ```
/// # use tokenkeeper_engine::{Accounts, Error};
/// # async fn call(accounts: &Accounts) -> Result<(), Error> {
/// let account = accounts.account("amiqus", "user-42")?;
/// let token = account.token().await?;         // for an SDK or a websocket
/// println!("expires at {:?}", token.expires_at());
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

    /// The application's own name for the connection.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.entry.subject
    }

    /// The provider's brand.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.entry.site.provider.brand()
    }

    /// The origin that the account lives at.
    #[must_use]
    pub fn site(&self) -> &Origin {
        &self.entry.site.site
    }

    /// The key under which the store keeps the account.
    #[must_use]
    pub fn key(&self) -> Key {
        self.entry.key()
    }

    /// The short name that logs and errors use.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        self.entry.digest()
    }

    /// Starts a login: where to send the person, and the flow to keep until the callback. No I/O.
    ///
    /// # Errors
    /// [`Error::Protocol`] where the configuration does not make an authorization request.
    pub fn connect(&self) -> Result<LoginRedirect, Error> {
        self.connect_with(&ConnectOptions::default())
    }

    /// [`connect`](Self::connect) with a scope or further parameters.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(&self, options: &ConnectOptions) -> Result<LoginRedirect, Error> {
        connect::start(&self.core, &self.entry, options)
    }

    /// Takes tokens that the application already has, as a new login of this account.
    ///
    /// Cancel safe: the write goes on. While the store is down the tokens are kept and served from
    /// memory, and an event says so.
    ///
    /// # Errors
    /// [`Error::RevocationPending`], [`Error::ShutDown`], [`Error::Store`] where the store could
    /// not even be read.
    pub async fn adopt(&self, tokens: TokenSet) -> Result<(), Error> {
        let site = &self.entry.site;
        let registration = site.provider.client().registration();
        let terms = Terms {
            redirect_uri: registration.redirect_uri().to_string(),
            scope: tokens.scope.clone(),
        };
        let payload = Payload::new(tokens, terms).shared(&site.shared);
        change::adopt(&self.core, &self.entry, payload).await
    }

    /// A token for a client that is not wrapped: an SDK, a websocket. Refreshes first where needed.
    ///
    /// Cancel safe: dropping the future stops the waiting, not the refresh.
    ///
    /// # Errors
    /// Any [`Error`]; its advice says what to do.
    pub async fn token(&self) -> Result<Token, Error> {
        let snapshot = acquire::token(&self.core, &self.entry, true).await?;
        let record = snapshot.record.as_deref();
        record
            .and_then(Token::of)
            .ok_or_else(|| self.disconnected())
    }

    /// Replaces the token now, whatever its age. Callers that ask at once share one refresh.
    ///
    /// Cancel safe, as [`token`](Self::token).
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn refresh(&self) -> Result<Token, Error> {
        self.entry.touch();
        acquire::refresh(&self.core, &self.entry).await?;
        let record = self.entry.lock().machine.record().cloned();
        record
            .and_then(|record| Token::of(&record))
            .ok_or_else(|| self.disconnected())
    }

    /// What the store says of the account now.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Record`].
    pub async fn status(&self) -> Result<Status, Error> {
        self.entry.touch();
        acquire::compare(&self.core, &self.entry).await?;
        Ok(Status::of(&self.entry))
    }

    /// Ends the connection: the account is refused everywhere, and its tokens are revoked where the
    /// provider can.
    ///
    /// A provider that cannot be reached does not fail the call: the revocation is finished later
    /// by whoever meets the tombstone, and an event says that it is pending. Cancel safe: the
    /// disconnect goes on.
    ///
    /// # Errors
    /// [`Error::Superseded`] when a newer login came first and stands, [`Error::NotConnected`],
    /// [`Error::Store`].
    pub async fn disconnect(&self) -> Result<(), Error> {
        change::disconnect(&self.core, &self.entry).await
    }

    /// Whether there is nothing to learn from a response with this status, so that
    /// [`TokenSource::classify_response`] need not be called.
    #[must_use]
    #[inline]
    pub fn is_content(&self, status: StatusCode) -> bool {
        rejection::is_content(&self.entry, status)
    }

    /// Attaches the token if no waiting is needed, as [`TokenSource::try_credential`] gives it, and without
    /// a count of who holds it. `None`: wait for [`TokenSource::credential`].
    ///
    /// It is the caller's to know that the request goes to an origin which the account
    /// [owns](TokenSource::allows).
    ///
    /// # Errors
    /// As [`Credential::attach`].
    pub fn attach<B>(&self, request: &mut Request<B>, replayable: bool) -> Option<AttachResult> {
        let snapshot = self.entry.snapshot.load();
        match acquire::fresh(&self.core, &self.entry, snapshot.as_ref(), replayable) {
            Some(snapshot) => Some(snapshot.attach(request)),
            None => self.attach_stale(request, replayable),
        }
    }

    /// [`attach`](Self::attach) for a front that sends many requests for this account.
    ///
    /// # Errors
    /// As [`Credential::attach`].
    #[inline(always)]
    pub fn attach_seen<B>(
        &self,
        seen: &mut Seen,
        request: &mut Request<B>,
        replayable: bool,
    ) -> Option<AttachResult> {
        match &mut seen.snapshot {
            Some(cache) if ptr::eq(cache.arc_swap(), &self.entry.snapshot) => {
                let snapshot = cache.load().as_ref();
                match acquire::fresh(&self.core, &self.entry, snapshot, replayable) {
                    Some(snapshot) => Some(snapshot.attach(request)),
                    None => self.attach_stale(request, replayable),
                }
            }
            _ => self.attach_and_remember(seen, request, replayable),
        }
    }

    /// [`TokenSource::credential`] as a future that owns the handle, for a front that keeps it in a
    /// box of its own.
    #[doc(hidden)]
    pub async fn into_credential(self, replayable: bool) -> Result<Credential, Error> {
        let snapshot = acquire::token(&self.core, &self.entry, replayable).await?;
        Ok(Credential::of(snapshot))
    }

    #[cold]
    fn attach_stale<B>(&self, request: &mut Request<B>, replayable: bool) -> Option<AttachResult> {
        let snapshot = acquire::stale(&self.core, &self.entry, replayable)?;
        Some(snapshot.attach(request))
    }

    #[cold]
    fn attach_and_remember<B>(
        &self,
        seen: &mut Seen,
        request: &mut Request<B>,
        replayable: bool,
    ) -> Option<AttachResult> {
        if mem::replace(&mut seen.asked, true) {
            seen.snapshot = Some(Cache::new(Place(self.entry.clone())));
        }
        self.attach(request, replayable)
    }

    pub(crate) fn parts(&self) -> (&Arc<Core>, &Arc<AccountEntry>) {
        (&self.core, &self.entry)
    }

    fn disconnected(&self) -> Error {
        Error::Disconnected {
            account: self.entry.digest(),
        }
    }
}

/// Two handles are equal when they name the same account of the same engine. Equality and hash read
/// only what never changes, so a handle is a sound map key.
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
        // The response goes to the caller in any case; a refresh that starts now serves the next
        // request.
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
        self.entry.site.allows(target)
    }
}

/// Where a front remembers the token of the account that it sends for: as long as that is the
/// account's, finding it is to read one pointer.
///
/// It is set at the second request, and a clone remembers nothing: a service that is cloned for
/// each request gains nothing, and would keep a token from the time when it was made. What is
/// remembered stays in memory until the next request, or until it is dropped.
#[derive(Default)]
pub struct Seen {
    snapshot: Option<Cache<Place, Option<Arc<Snapshot>>>>,
    asked: bool,
}

/// Where an entry shows its snapshot.
struct Place(Arc<AccountEntry>);

impl Deref for Place {
    type Target = ArcSwapOption<Snapshot>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0.snapshot
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

/// A token as an SDK needs it. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Token {
    tokens: TokenSet,
    generation: u64,
}

impl Token {
    fn of(record: &Record<Payload>) -> Option<Self> {
        let live = record.live()?;
        Some(Self {
            tokens: live.payload.token_set(),
            generation: live.generation,
        })
    }

    /// The access token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.tokens.access_token.expose()
    }

    /// When it ends, by the wall clock; `None` where the provider did not say.
    #[must_use]
    pub fn expires_at(&self) -> Option<std::time::SystemTime> {
        self.tokens.expires_at
    }

    /// What was granted, where the provider said it.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.tokens.scope.as_deref()
    }

    /// What else the provider sent along.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&serde_json::Value> {
        self.tokens.extra.get(name)
    }

    /// Counts the token sets of this login.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
