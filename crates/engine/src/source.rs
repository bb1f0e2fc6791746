//! What a front (tower, reqwest) needs of an account: one small trait.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::{HeaderMap, Request, StatusCode, Uri};
use tokenkeeper_protocol::{Attachment, Verdict};
use tokenkeeper_refresh::TokenVersion;

use crate::{
    engine::{AttachResult, Snapshot},
    error::Error,
    placement::TokenPlacement,
};

/// A token that may be sent now, in the form in which it is attached.
///
/// A clone shares the token.
#[derive(Clone)]
pub struct Credential(Arc<Snapshot>);

impl Credential {
    /// A credential for a token source of one's own; `generation` tells one token set from the
    /// next.
    #[must_use]
    pub fn new(attachment: Attachment, generation: u64) -> Self {
        let version = TokenVersion {
            authorization: 0,
            generation,
        };
        Self(Arc::new(Snapshot::forever(attachment, version)))
    }

    #[inline]
    pub(crate) fn of(snapshot: Arc<Snapshot>) -> Self {
        Self(snapshot)
    }

    /// The header or query parameter that carries the token.
    #[must_use]
    #[inline]
    pub fn attachment(&self) -> Attachment {
        self.0.attached.attachment()
    }

    /// Which token set it carries: what the source is told when the API has answered.
    #[must_use]
    #[inline]
    pub fn version(&self) -> TokenVersion {
        self.0.version
    }

    /// Puts the token on a request, wherever that goes: whether the token belongs there,
    /// [`TokenSource::allows`] knows.
    ///
    /// # Errors
    /// As [`Attachment::apply`].
    #[inline]
    pub fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        self.0.attach(request)
    }
}

/// Two credentials are equal when they are of the same token set.
impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        self.version() == other.version()
    }
}

impl Eq for Credential {}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

/// Where a front gets its tokens: an [`Account`](crate::Account), or a fixed token in a user's
/// tests.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// The token to send now, if no waiting is needed: no I/O, no allocation.
    ///
    /// `replayable` says whether the request could be sent a second time. One that cannot be is not
    /// started on a token that a refresh under way is about to invalidate: the answer is `None`
    /// then, and [`credential`](Self::credential) waits.
    fn try_credential(&self, replayable: bool) -> Option<Credential>;

    /// The token to send, waiting for a refresh if one is needed. Dropping the future only stops
    /// the waiting.
    ///
    /// # Errors
    /// When no token can be had within the caller's wait; the error says what to do.
    async fn credential(&self, replayable: bool) -> Result<Credential, Error>;

    /// A token to replay with after the API rejected the one of `rejected`.
    ///
    /// `None`: there is none that is worth a replay (a fresh token was rejected too, or refreshes
    /// because of rejections are held off), and the response goes to the caller.
    ///
    /// # Errors
    /// When there is no better token: a new login is needed, or the token endpoint or the store is
    /// down. The caller sees the error instead of the response.
    async fn replacement(&self, rejected: TokenVersion) -> Result<Option<Credential>, Error>;

    /// Starts the refresh that a rejection calls for, without waiting: for a request that cannot be
    /// replayed.
    fn report_rejection(&self, rejected: TokenVersion);

    /// What the provider says with this head, and the place to count a response that was accepted.
    fn classify_response(
        &self,
        sent: TokenVersion,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict;

    /// Where the token goes: what a front must know before it wraps a client that follows
    /// redirects.
    fn placement(&self) -> TokenPlacement;

    /// Whether the token belongs to this target. A request elsewhere passes untouched.
    fn allows(&self, target: &Uri) -> bool;
}
