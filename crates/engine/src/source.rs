//! What a front, such as the tower layer, needs of an account.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::{HeaderMap, Request, StatusCode, Uri};
use tokenkeeper_protocol::{ApiOrigin, Attachment, Verdict};
use tokenkeeper_refresh::TokenVersion;

use crate::{
    engine::{AttachResult, Snapshot},
    error::Error,
    placement::TokenPlacement,
};

/// A token that may be sent now, in the form in which it is attached.
///
/// Clones share the token.
#[derive(Clone)]
pub struct Credential(Arc<Snapshot>);

impl Credential {
    /// Makes a credential for a custom token source. `generation` distinguishes its token sets.
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

    /// Returns the header or query parameter that carries the token.
    #[must_use]
    #[inline]
    pub fn attachment(&self) -> Attachment {
        self.0.attached.attachment()
    }

    /// Returns which token set it carries, for the source's methods about the API's response.
    #[must_use]
    #[inline]
    pub fn version(&self) -> TokenVersion {
        self.0.version
    }

    /// Puts the token on a request.
    ///
    /// The target is not checked: see [`TokenSource::allows`].
    ///
    /// # Errors
    ///
    /// As [`Attachment::apply`].
    #[inline]
    pub fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        self.0.attach(request)
    }
}

/// Credentials are equal if they carry the same token set.
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

/// A source of tokens for a front: an [`Account`](crate::Account), or your own.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the token to send now, if no waiting is needed. No I/O, no allocation.
    ///
    /// `replayable`: the request could be sent a second time. A request that could not should not
    /// start with a token that a refresh in flight is about to invalidate: return `None`, and
    /// [`credential`](Self::credential) waits.
    fn try_credential(&self, replayable: bool) -> Option<Credential>;

    /// Returns the token to send, and waits for a refresh if one is needed.
    ///
    /// Cancel safe: dropping the future only stops the waiting.
    ///
    /// # Errors
    ///
    /// No token is available before the caller's timeout. The error's advice says what to do.
    async fn credential(&self, replayable: bool) -> Result<Credential, Error>;

    /// Returns a token to replay with after the API rejected the token set `rejected`.
    ///
    /// `None`: the response goes to the caller, since no token is worth a replay. A fresh one was
    /// rejected too, or refreshes because of rejections are held off.
    ///
    /// # Errors
    ///
    /// No replacement is available: a new login is required, or the token endpoint or the store is
    /// down. The caller gets the error instead of the response.
    async fn replacement(&self, rejected: TokenVersion) -> Result<Option<Credential>, Error>;

    /// Starts the refresh that a rejection calls for, without waiting, if the request is not
    /// replayed.
    fn report_rejection(&self, rejected: TokenVersion);

    /// Returns what a response with this status and these headers says of the token set `sent`.
    ///
    /// Called once for each response, so that a source can also count successes.
    fn classify_response(
        &self,
        sent: TokenVersion,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict;

    /// Returns where the token goes. A client that follows redirects carries some headers along.
    fn placement(&self) -> TokenPlacement;

    /// Returns whether the token belongs to this target. A request to another one passes untouched.
    fn allows(&self, target: &Uri) -> bool;

    /// Returns the origins that the token belongs to, as far as they are known: logs and errors
    /// name them.
    ///
    /// By default there are none.
    fn origins(&self) -> Vec<ApiOrigin> {
        Vec::new()
    }

    /// Returns whether it is not known yet if the token belongs to this target, although
    /// [`allows`](Self::allows) returns false. Then [`load`](Self::load) makes it known.
    ///
    /// This is so for an account whose API's origin only its login names, before the account is
    /// read from the store.
    fn may_allow(&self, target: &Uri) -> bool {
        let _ = target;
        false
    }

    /// Loads what [`allows`](Self::allows) needs. Cancel safe.
    ///
    /// # Errors
    ///
    /// The source has no token, or it cannot be loaded: the request must not be sent.
    async fn load(&self) -> Result<(), Error> {
        Ok(())
    }
}
