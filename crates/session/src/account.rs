//! The handle of one account.

use std::{fmt, mem, ops::Deref, ptr, sync::Arc};

use arc_swap::{ArcSwapOption, Cache};
use async_trait::async_trait;
use http::{HeaderMap, Request, StatusCode, Uri};
use tokenkeeper_protocol::{Origin, Provider, TokenSet, Verdict};
use tokenkeeper_store::{Key, KeyDigest};

use crate::{
    Accounts, AttachResult, Attaches, Connect, Credential, Error, Stamp, Start, Status,
    TokenSource,
    engine::{self, Core, Served, Slot},
    record::{Held, Terms},
};

/// One connection that somebody gave the application: the way to its tokens.
///
/// Cheap to clone, to send and to share; all handles of one account share its tokens and its refreshes. `Debug` shows a digest of
/// the key, never the subject.
///
/// ```
/// # use tokenkeeper_session::{Accounts, Error};
/// # async fn call(accounts: &Accounts) -> Result<(), Error> {
/// let account = accounts.account("amiqus", "user-42")?;
/// let token = account.token().await?;         // for an SDK or a websocket
/// println!("expires at {:?}", token.expires_at());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Account {
    core: Arc<Core>,
    slot: Arc<Slot>,
}

impl Account {
    pub(crate) fn new(core: Arc<Core>, slot: Arc<Slot>) -> Self {
        Self { core, slot }
    }

    /// The application's own name for the connection.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.slot.subject
    }

    /// The provider's brand.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.slot.home.provider.brand()
    }

    /// The origin that the account lives at.
    #[must_use]
    pub fn site(&self) -> &Origin {
        &self.slot.home.site
    }

    /// The key under which the store keeps the account.
    #[must_use]
    pub fn key(&self) -> Key {
        self.slot.key()
    }

    /// The short name that logs and errors use.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        self.slot.digest()
    }

    /// The engine that the account belongs to.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts::from_core(self.core.clone())
    }

    /// Starts a login: where to send the person, and the flow to keep until the callback. No I/O.
    ///
    /// # Errors
    /// [`Error::Protocol`] where the configuration does not make an authorization request.
    pub fn connect(&self) -> Result<Start, Error> {
        self.connect_with(&Connect::default())
    }

    /// [`connect`](Self::connect) with a scope or further parameters.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(&self, connect: &Connect) -> Result<Start, Error> {
        crate::connect::start(&self.core, &self.slot, connect)
    }

    /// Takes tokens that the application already has, as a new login of this account.
    ///
    /// Cancel safe: the write goes on. While the store is down the tokens are kept and served from memory, and an event says so.
    ///
    /// # Errors
    /// [`Error::RevocationPending`], [`Error::ShutDown`], [`Error::Store`] where the store could not even be read.
    pub async fn adopt(&self, tokens: TokenSet) -> Result<(), Error> {
        let registration = self.slot.home.provider.client().registration();
        let terms = Terms {
            redirect_uri: registration.redirect_uri().to_string(),
            scope: tokens.scope.clone(),
        };
        engine::login::adopt(&self.core, &self.slot, Held { tokens, terms }).await
    }

    /// A token for a client that is not wrapped: an SDK, a websocket. Refreshes first where needed.
    ///
    /// Cancel safe: dropping the future stops the waiting, not the refresh.
    ///
    /// # Errors
    /// Any [`Error`]; its advice says what to do.
    pub async fn token(&self) -> Result<Token, Error> {
        self.slot.token(&self.core, true).await?;
        self.held()
    }

    /// Replaces the token now, whatever its age. Callers that ask at once share one refresh.
    ///
    /// Cancel safe, as [`token`](Self::token).
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn refresh(&self) -> Result<Token, Error> {
        self.slot.refresh(&self.core).await?;
        self.held()
    }

    /// What the store says of the account now.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Record`].
    pub async fn status(&self) -> Result<Status, Error> {
        self.slot.compare(&self.core).await?;
        Ok(Status::of(&self.slot))
    }

    /// Ends the connection: the account is refused everywhere, and its tokens are revoked where the provider can.
    ///
    /// A provider that cannot be reached does not fail the call: the revocation is finished later by whoever meets the tombstone, and
    /// an event says that it is pending. Cancel safe: the disconnect goes on.
    ///
    /// # Errors
    /// [`Error::Superseded`] when a newer login came first and stands, [`Error::NotConnected`], [`Error::Store`].
    pub async fn disconnect(&self) -> Result<(), Error> {
        engine::login::disconnect(&self.core, &self.slot).await
    }

    /// Whether there is nothing to learn from a response with this status, so that [`TokenSource::read`] need not be called.
    #[must_use]
    #[inline]
    pub fn is_content(&self, status: StatusCode) -> bool {
        self.slot.is_content(status)
    }

    /// Attaches the token if no waiting is needed, as [`TokenSource::cached`] gives it, and without a count of who holds it. `None`: wait
    /// for [`TokenSource::token`].
    ///
    /// It is the caller's to know that the request goes to an origin which the account [owns](TokenSource::owns).
    ///
    /// # Errors
    /// As [`Credential::attach`].
    pub fn attach<B>(&self, request: &mut Request<B>, replayable: bool) -> Option<AttachResult> {
        let served = self.slot.served.load();
        let served = self.slot.serve(&self.core, served.as_ref(), replayable)?;
        Some(served.attach(request))
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
        match &mut seen.served {
            Some(served) if ptr::eq(served.arc_swap(), &self.slot.served) => {
                let served = self
                    .slot
                    .serve(&self.core, served.load().as_ref(), replayable)?;
                Some(served.attach(request))
            }
            _ => self.attach_and_remember(seen, request, replayable),
        }
    }

    #[cold]
    fn attach_and_remember<B>(
        &self,
        seen: &mut Seen,
        request: &mut Request<B>,
        replayable: bool,
    ) -> Option<AttachResult> {
        if mem::replace(&mut seen.asked, true) {
            seen.served = Some(Cache::new(Place(self.slot.clone())));
        }
        self.attach(request, replayable)
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    fn held(&self) -> Result<Token, Error> {
        let inner = self.slot.lock();
        let live = inner.live().ok_or_else(|| Error::Disconnected {
            account: self.slot.digest(),
        })?;
        Ok(Token {
            tokens: live.tokens.tokens,
            generation: live.generation,
        })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("provider", &self.provider())
            .field("digest", &self.slot.digest())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenSource for Account {
    #[inline]
    fn cached(&self, replayable: bool) -> Option<Credential> {
        self.slot.cached(&self.core, replayable)
    }

    async fn token(&self, replayable: bool) -> Result<Credential, Error> {
        self.slot.token(&self.core, replayable).await
    }

    async fn replace(&self, rejected: Stamp) -> Result<Option<Credential>, Error> {
        self.slot.replace(&self.core, rejected).await
    }

    fn rejected(&self, rejected: Stamp) {
        // The response goes to the caller in any case; a flight that starts now serves the next request.
        let _ = self.slot.start_replacing(&self.core, rejected);
    }

    fn read(&self, sent: Stamp, status: StatusCode, headers: &HeaderMap) -> Verdict {
        self.slot.read_response(&self.core, sent, status, headers)
    }

    fn attaches(&self) -> Attaches {
        self.slot.home.attaches
    }

    #[inline(always)]
    fn owns(&self, target: &Uri) -> bool {
        self.slot.home.owns(target)
    }
}

/// Where a front remembers the token of the account that it sends for: as long as that is the account's, finding it is to read one
/// pointer.
///
/// It is set at the second request, and a clone remembers nothing: a service that is cloned for each request gains nothing, and would
/// keep a token from the time when it was made. What is remembered stays in memory until the next request, or until it is dropped.
#[derive(Default)]
pub struct Seen {
    served: Option<Cache<Place, Option<Arc<Served>>>>,
    asked: bool,
}

/// Where a slot shows what is served.
struct Place(Arc<Slot>);

impl Deref for Place {
    type Target = ArcSwapOption<Served>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0.served
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
