//! The decisions of a front, without I/O.
//!
//! A front puts tokens on the requests of one kind of client, as
//! [`TokenLayer`](crate::TokenLayer) does for tower services. The front performs, and these types
//! decide. Each method takes a fact and returns the next step:
//!
//! | fact | method | next step |
//! |---|---|---|
//! | the URI and the extensions | [`TokenPolicy::begin`] | attach a token, send as is, or fail |
//! | that the account is not loaded | [`TokenPolicy::load`] | wait, then begin again |
//! | whether a replay is possible | [`Exchange::try_credential`] | send, or wait for a token |
//! | the token set that was sent | [`Exchange::sent`] | wait for the response |
//! | the status and the headers | [`Sent::on_response`] | return, or wait for a new token |
//! | the new token, or its error | [`Replacing::on_replacement`] | replay, return or fail |
//!
//! [`TokenPolicy::begin`]: crate::TokenPolicy::begin
//! [`TokenPolicy::load`]: crate::TokenPolicy::load
//!
//! A front for your own client:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use tokenkeeper_tower::{BoxError, Error, TokenPolicy, exchange::{AfterReplacement, Spare}};
//!
//! /// A request without its token. Its body is in memory.
//! struct Second(Request<Bytes>);
//!
//! impl Spare for Second {
//!     type Request = Request<Bytes>;
//!
//!     fn is_whole(&self) -> bool {
//!         true
//!     }
//!
//!     fn into_request(self) -> Option<Request<Bytes>> {
//!         Some(self.0)
//!     }
//! }
//!
//! async fn send(
//!     policy: &TokenPolicy,
//!     mut request: Request<Bytes>,
//!     client: impl AsyncFn(Request<Bytes>) -> Response<Bytes>,
//! ) -> Result<Response<Bytes>, BoxError> {
//!     let mut begun = policy.begin(request.uri(), request.extensions());
//!     if matches!(begun, Err(Error::NotLoaded)) {
//!         policy.load(request.extensions()).await?;
//!         begun = policy.begin(request.uri(), request.extensions());
//!     }
//!     let Some(exchange) = begun? else {
//!         return Ok(client(request).await);
//!     };
//!     let replayable = exchange.is_replayable(request.body().len() as u64);
//!     let spare = replayable.then(|| Second(request.clone()));
//!     let mut credential = match exchange.try_credential(replayable) {
//!         Some(credential) => credential,
//!         None => exchange.credential(replayable).await?,
//!     };
//!     let mut sent = exchange.sent(credential.version(), spare);
//!     loop {
//!         credential.attach(&mut request)?;
//!         let response = client(request).await;
//!         let Some(replacing) = sent.on_response(response.status(), response.headers()) else {
//!             return Ok(response);
//!         };
//!         let replacement = replacing.replacement().await;
//!         match replacing.on_replacement(replacement) {
//!             AfterReplacement::Replay { credential: new, request: again, sent: replay } => {
//!                 (credential, request, sent) = (new, again, replay);
//!             }
//!             AfterReplacement::Return => return Ok(response),
//!             AfterReplacement::Fail(error) => return Err(error.into()),
//!         }
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let origin = tokenkeeper_engine::protocol::Origin::parse("https://api.example")?;
//! # let policy = TokenPolicy::fixed("test-token", [origin]);
//! # let request = Request::get("https://api.example/me").body(Bytes::new())?;
//! # let client = async |request: Request<Bytes>| {
//! #     assert_eq!(request.headers()["authorization"], "Bearer test-token");
//! #     Response::new(Bytes::new())
//! # };
//! # send(&policy, request, client).await?;
//! # Ok(())
//! # }
//! ```

mod credential;
#[cfg(test)]
mod tests;

use std::pin::Pin;

use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Body;
use tokenkeeper_engine::{
    Account, Credential, Error as SourceError, Seen, SeenToken, TokenVersion, protocol::Verdict,
};

pub use self::credential::CredentialFuture;
pub(crate) use self::credential::SourceWait;
pub(crate) use crate::policy::Fresh;
use crate::policy::Source;

/// A wait for a token source. Dropping it only stops the waiting.
pub type Waiting<T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send>>;

/// Everything that is needed to send a request a second time, without its token.
pub trait Spare {
    /// The second request.
    type Request;

    /// Returns whether the whole request could be sent again now.
    fn is_whole(&self) -> bool;

    /// Makes the second request. `None` if it is no longer whole.
    fn into_request(self) -> Option<Self::Request>;
}

/// A request whose token source is chosen, before it is sent.
#[derive(Debug)]
pub struct Exchange {
    source: Source,
    replay_limit: Option<usize>,
}

impl Exchange {
    #[inline]
    pub(crate) fn new(source: Source, replay_limit: Option<usize>) -> Self {
        Self {
            source,
            replay_limit,
        }
    }

    /// Returns how many bytes of the body to record for a replay. `None`: the request is sent once.
    #[must_use]
    #[inline]
    pub fn replay_limit(&self) -> Option<usize> {
        self.replay_limit
    }

    /// Returns whether the request could be replayed whenever a rejection comes, if at least
    /// `recorded` bytes of its body must be recorded.
    ///
    /// Record a body that is over the limit anyway: the token may be rejected before it is read.
    #[must_use]
    #[inline]
    pub fn is_replayable(&self, recorded: u64) -> bool {
        self.replay_limit
            .is_some_and(|limit| recorded <= limit as u64)
    }

    /// Returns whether this request [is replayable](Self::is_replayable).
    #[inline(always)]
    pub(crate) fn is_replayable_whole<B: Body>(&self, request: &Request<B>) -> bool {
        self.replay_limit.is_some() && self.is_replayable(request.body().size_hint().lower())
    }

    /// Returns the token to send now. `None`: wait for [`credential`](Self::credential).
    #[must_use]
    pub fn try_credential(&self, replayable: bool) -> Option<Credential> {
        self.source.any().try_credential(replayable)
    }

    /// Waits for the token to send.
    ///
    /// # Errors
    ///
    /// The source's, if no token is available: fail with it, and don't send the request.
    #[cold]
    pub fn credential(&self, replayable: bool) -> CredentialFuture {
        CredentialFuture::new(self.source.clone(), replayable)
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the account whose token is sent, unless it is that of another source.
    #[inline(always)]
    pub(crate) fn account(&self) -> Option<&Account> {
        self.source.account()
    }

    /// Returns the token to send now, if it is known without a step of the account's machine.
    #[inline(always)]
    pub(crate) fn fresh(&self, replayable: bool) -> Option<Fresh<'static>> {
        self.account()?.fresh(replayable).map(Fresh::Account)
    }

    /// Returns the token to send now, or starts to wait for it.
    ///
    /// # Errors
    ///
    /// The wait.
    #[inline]
    pub(crate) fn start(&self, replayable: bool) -> Result<Credential, SourceWait> {
        self.source.start(replayable)
    }

    /// Waits for the token from the first poll on.
    pub(crate) fn wait(&self, replayable: bool) -> SourceWait {
        self.source.wait(replayable)
    }

    /// Remembers the token of the next requests, if all are of one account.
    #[inline(always)]
    pub(crate) fn remember(&self, seen: &mut Seen) {
        self.source.remember(seen);
    }

    /// Notes that the request was sent with this token set. `spare` is for the replay.
    #[inline]
    pub fn sent<C>(self, version: TokenVersion, spare: Option<C>) -> Sent<C> {
        self.sent_as(false, version, spare)
    }

    /// [`sent`](Self::sent), by a front that asks [`Sent::is_content`] first.
    #[inline]
    pub(crate) fn sent_as<C>(
        self,
        is_grpc: bool,
        version: TokenVersion,
        spare: Option<C>,
    ) -> Sent<C> {
        let content_below = self.source.content_below();
        Sent::new(self.source, version, content_below, is_grpc, spare)
    }

    /// [`sent_as`](Self::sent_as) with a token that the front remembers, once.
    #[inline]
    pub(crate) fn sent_seen<C>(
        self,
        is_grpc: bool,
        token: &SeenToken,
        version: TokenVersion,
    ) -> Sent<C> {
        Sent::new(self.source, version, token.content_below(), is_grpc, None)
    }
}

/// Returns whether a request is a gRPC call.
// Most requests are no POST, and need no look at their headers.
#[inline(always)]
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    *request.method() == Method::POST && tokenkeeper_engine::is_grpc(request.headers())
}

/// A request that was sent with a token, before its response.
#[derive(Debug)]
#[must_use]
pub struct Sent<C> {
    source: Source,
    version: TokenVersion,
    /// The status below which the response says nothing about the token.
    content_below: u16,
    /// The request is a gRPC call: a response with any HTTP status may reject the token.
    is_grpc: bool,
    /// `None`: it cannot be replayed, or it is the replay.
    spare: Option<C>,
}

impl<C> Sent<C> {
    // In one step: the second request would move once more.
    #[inline(always)]
    fn new(
        source: Source,
        version: TokenVersion,
        content_below: u16,
        is_grpc: bool,
        spare: Option<C>,
    ) -> Self {
        Self {
            source,
            version,
            content_below: if is_grpc { 0 } else { content_below },
            is_grpc,
            spare,
        }
    }

    /// Returns whether [`on_response`](Self::on_response) need not be called, on the valid path.
    #[inline]
    pub(crate) fn is_content(&self, status: StatusCode) -> bool {
        status.as_u16() < self.content_below
    }
}

impl<C: Spare> Sent<C> {
    /// Judges the response. `None`: return it to the caller.
    ///
    /// If the token was rejected and the request can be replayed, wait for a new token. If it
    /// cannot, or if this was the replay, the rejection is reported to the source.
    #[must_use]
    pub fn on_response(&mut self, status: StatusCode, headers: &HeaderMap) -> Option<Replacing<C>> {
        let source = self.source.any();
        let verdict = source.classify_response(self.version, status, headers);
        if verdict != Verdict::Rejected {
            return None;
        }
        let Some(spare) = self.spare.take().filter(Spare::is_whole) else {
            // Also for a replay: the source holds off refreshes if its fresh tokens are rejected.
            source.report_rejection(self.version);
            return None;
        };
        Some(Replacing {
            source: self.source.clone(),
            rejected: self.version,
            is_grpc: self.is_grpc,
            spare,
        })
    }
}

/// A request whose token was rejected, before its replay. Keep the response until then.
#[derive(Debug)]
#[must_use]
pub struct Replacing<C> {
    source: Source,
    rejected: TokenVersion,
    is_grpc: bool,
    spare: C,
}

impl<C: Spare> Replacing<C> {
    /// Waits for a new token.
    #[must_use]
    pub fn replacement(&self) -> Waiting<Option<Credential>> {
        let (source, rejected) = (self.source.clone(), self.rejected);
        Box::pin(async move { source.any().replacement(rejected).await })
    }

    /// Takes the result of [`replacement`](Self::replacement).
    pub fn on_replacement(
        self,
        replacement: Result<Option<Credential>, SourceError>,
    ) -> AfterReplacement<C> {
        let credential = match replacement {
            Ok(Some(credential)) => credential,
            Ok(None) => return AfterReplacement::Return,
            Err(error) => return AfterReplacement::Fail(error),
        };
        // More of the body may have been read in the meantime than is kept.
        let Some(request) = self.spare.into_request() else {
            return AfterReplacement::Return;
        };
        let content_below = self.source.content_below();
        let version = credential.version();
        let sent = Sent::new(self.source, version, content_below, self.is_grpc, None);
        AfterReplacement::Replay {
            credential,
            request,
            sent,
        }
    }
}

/// The step after the wait for a new token.
#[derive(Debug)]
#[must_use]
pub enum AfterReplacement<C: Spare> {
    /// Attach the credential to the request and send it. `sent` judges its response.
    Replay {
        /// The new token.
        credential: Credential,
        /// The request without its token.
        request: C::Request,
        /// The state of the replay: its response always goes to the caller.
        sent: Sent<C>,
    },
    /// Return the response that rejected the token.
    Return,
    /// Fail with this error, and keep the response inside: there is no replacement.
    Fail(SourceError),
}
