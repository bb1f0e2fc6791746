use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error as MiddlewareError, Middleware, Next};
use tokenkeeper_engine::{Accounts, Credential, TokenSource, protocol::Verdict};
use tokenkeeper_tower::{NoReplay, Tokens};

use crate::{
    Error, Rejected,
    attempt::{Spare, attach, uri_of},
    clean,
};

/// How much of a streaming body is kept for a replay unless [`TokenMiddleware::replay_limit`] says otherwise: 64 KiB.
const REPLAY_LIMIT: usize = 64 * 1024;

/// Attaches a valid token to each request and replays the request once if the token was rejected.
///
/// It goes over a finished client, so it refuses providers that take their token elsewhere than in `Authorization`: use
/// [`client`](crate::client) for these. Place a retrying middleware before it, so that each retry gets the token that is valid then.
#[derive(Debug)]
#[must_use]
pub struct TokenMiddleware {
    tokens: Tokens,
    /// `None`: requests are not replayed.
    replay_limit: Option<usize>,
}

impl TokenMiddleware {
    /// Every request to the source's origins gets its token: an [`Account`](tokenkeeper_engine::Account), or your own
    /// [`TokenSource`]. A request to another origin passes untouched.
    ///
    /// # Errors
    /// [`Error::UnsafeClient`] if the token goes elsewhere than into `Authorization`.
    pub fn new(source: impl TokenSource) -> Result<Self, Error> {
        Self::over_finished_client(Tokens::one(source))
    }

    /// Each request gets the token of the [`Account`](tokenkeeper_engine::Account) in its extensions (`with_extension`).
    ///
    /// A request without one is refused, unless it goes to an origin of no configured provider or carries
    /// [`Anonymous`](crate::Anonymous). One whose account belongs to another origin passes untouched.
    ///
    /// # Errors
    /// [`Error::UnsafeClient`] if any configured provider takes its token elsewhere than in `Authorization`.
    pub fn per_request(accounts: &Accounts) -> Result<Self, Error> {
        Self::over_finished_client(Tokens::per_request(accounts))
    }

    /// Whether a request whose token was rejected is sent a second time with a new one. On by default. A single request opts out with
    /// [`NoReplay`] as an extension.
    pub fn replay(mut self, on: bool) -> Self {
        let limit = self.replay_limit.unwrap_or(REPLAY_LIMIT);
        self.replay_limit = on.then_some(limit);
        self
    }

    /// How many bytes of a streaming body are kept for a replay, 64 KiB by default. A body in memory is not copied and has no bound.
    /// Turns replay on.
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = Some(bytes);
        self
    }

    fn over_finished_client(tokens: Tokens) -> Result<Self, Error> {
        if !tokens.only_in_authorization() {
            return Err(Error::UnsafeClient);
        }
        Ok(Self::over_safe_client(tokens))
    }

    pub(crate) fn over_safe_client(tokens: Tokens) -> Self {
        Self {
            tokens,
            replay_limit: Some(REPLAY_LIMIT),
        }
    }
}

#[async_trait]
impl Middleware for TokenMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, MiddlewareError> {
        let target = uri_of(request.url()).map_err(refused)?;
        let chosen = self.tokens.choose(&target, extensions);
        let Some(source) = chosen.map_err(|error| refused(Error::Request(error)))? else {
            return next.run(request, extensions).await;
        };

        let limit = self
            .replay_limit
            .filter(|_| extensions.get::<NoReplay>().is_none());
        let spare = limit.and_then(|limit| {
            let fits = fits(&request, limit);
            Some((Spare::of(&mut request, limit)?, fits))
        });
        let (spare, replayable) = spare.unzip();
        let replayable = replayable.unwrap_or(false);
        let credential = match source.try_credential(replayable) {
            Some(credential) => credential,
            None => source.credential(replayable).await.map_err(no_token)?,
        };

        let response = send(request, &credential, extensions, next.clone()).await?;
        if !is_rejected(&*source, &credential, &response) {
            return Ok(clean::response(response, &credential));
        }
        let Some(spare) = spare.filter(Spare::is_whole) else {
            source.report_rejection(credential.version());
            return Ok(clean::response(response, &credential));
        };
        let fresh = match source.replacement(credential.version()).await {
            Ok(fresh) => fresh,
            Err(error) => {
                let response = clean::response(response, &credential);
                return Err(refused(Error::Rejected(Rejected::new(error, response))));
            }
        };
        let Some((fresh, request)) = fresh.and_then(|fresh| Some((fresh, spare.replay()?))) else {
            return Ok(clean::response(response, &credential));
        };

        drop(response);
        let response = send(request, &fresh, extensions, next).await?;
        if is_rejected(&*source, &fresh, &response) {
            // The source has to know that its fresh token was rejected too: it holds off further refreshes.
            source.report_rejection(fresh.version());
        }
        Ok(clean::response(response, &fresh))
    }
}

async fn send(
    mut request: Request,
    credential: &Credential,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response, MiddlewareError> {
    attach(credential, &mut request).map_err(refused)?;
    let sent = next.run(request, extensions).await;
    sent.map_err(|error| clean::error(error, credential))
}

/// Whether a replay is possible whenever the rejection comes.
fn fits(request: &Request, limit: usize) -> bool {
    request.body().is_none_or(|body| {
        body.as_bytes().is_some() || http_body::Body::size_hint(body).lower() <= limit as u64
    })
}

fn is_rejected(source: &dyn TokenSource, sent: &Credential, response: &Response) -> bool {
    let verdict = source.classify_response(sent.version(), response.status(), response.headers());
    matches!(verdict, Verdict::Rejected)
}

fn refused(error: Error) -> MiddlewareError {
    MiddlewareError::middleware(error)
}

/// The source's error below one of ours: `reqwest_middleware::Error` shows its own error's causes as its sources, but not that error.
fn no_token(error: tokenkeeper_engine::Error) -> MiddlewareError {
    MiddlewareError::middleware(Error::Token(error))
}
