use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error as MiddlewareError, Middleware, Next};
use tokenkeeper_engine::{Accounts, Credential};
use tokenkeeper_tower::{Error as RequestError, TokenPolicy, exchange::AfterReplacement};

use crate::{
    Error, Rejected,
    attempt::{Second, attach, recorded_len, uri_of},
    clean,
};

/// Attaches a valid token to each request and replays the request once if the token was rejected.
///
/// It goes over a finished client, so it refuses providers that take their token elsewhere than in
/// `Authorization`: use [`client`](crate::client) for these. Place a retrying middleware before it,
/// so that each retry gets the token that is valid then.
#[derive(Debug)]
#[must_use]
pub struct TokenMiddleware {
    policy: TokenPolicy,
}

impl TokenMiddleware {
    /// Makes a middleware from an [`Account`](tokenkeeper_engine::Account), whose token every
    /// request to the provider's origins gets, or from a [`TokenPolicy`] with other options.
    ///
    /// A request to another origin passes untouched.
    ///
    /// # Errors
    ///
    /// [`Error::UnsafeClient`] if the token goes elsewhere than into `Authorization`.
    pub fn new(policy: impl Into<TokenPolicy>) -> Result<Self, Error> {
        let policy = policy.into();
        if policy.only_in_authorization() {
            Ok(Self { policy })
        } else {
            Err(Error::UnsafeClient)
        }
    }

    /// Gives each request the token of the [`Account`](tokenkeeper_engine::Account) in its
    /// extensions (`with_extension`), or else that of the
    /// [scope](tokenkeeper_engine::Account::scope) in which it is sent.
    ///
    /// A request without an account is refused, unless it goes to an origin of no configured
    /// provider or carries [`Anonymous`](crate::Anonymous). A request to another origin than its
    /// account's passes untouched.
    ///
    /// # Errors
    ///
    /// [`Error::UnsafeClient`] if any configured provider takes its token elsewhere than in
    /// `Authorization`.
    pub fn per_request(accounts: &Accounts) -> Result<Self, Error> {
        Self::new(accounts)
    }

    /// Makes the middleware of a client that keeps any token within its origin.
    pub(crate) fn over_safe_client(policy: TokenPolicy) -> Self {
        Self { policy }
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
        let mut begun = self.policy.begin(&target, extensions);
        if matches!(begun, Err(RequestError::NotLoaded)) {
            self.policy.keep_account(extensions);
            let loaded = self.policy.load(extensions).await;
            loaded.map_err(|error| refused(Error::Token(error)))?;
            begun = self.policy.begin(&target, extensions);
        }
        let Some(exchange) = begun.map_err(|error| refused(Error::Request(error)))? else {
            return next.run(request, extensions).await;
        };
        let replayable = exchange.is_replayable(recorded_len(&request));
        let mut credential = match exchange.try_credential(replayable) {
            Some(credential) => credential,
            None => {
                let credential = exchange.credential(replayable).await;
                credential.map_err(|error| refused(Error::Token(error)))?
            }
        };
        // A request that waits keeps no copy.
        let second = exchange
            .replay_limit()
            .and_then(|limit| Second::of(&mut request, limit));
        let mut sent = exchange.sent(credential.version(), second);
        loop {
            let response = send(request, &credential, extensions, next.clone()).await?;
            let replacing = sent.on_response(response.status(), response.headers());
            let response = clean::response(response, &credential);
            let Some(replacing) = replacing else {
                return Ok(response);
            };
            let replacement = replacing.replacement().await;
            match replacing.on_replacement(replacement) {
                AfterReplacement::Replay {
                    credential: new,
                    request: again,
                    sent: replay,
                } => (credential, request, sent) = (new, again, replay),
                AfterReplacement::Return => return Ok(response),
                AfterReplacement::Fail(error) => {
                    return Err(refused(Error::Rejected(Rejected::new(error, response))));
                }
            }
        }
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

/// Wraps an error of ours once more: `reqwest_middleware::Error` shows the causes of the error that
/// it holds as its sources, but not that error itself.
fn refused(error: Error) -> MiddlewareError {
    MiddlewareError::middleware(error)
}
