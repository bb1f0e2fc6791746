use http::Uri;
use tokenkeeper_engine::Accounts;
use tower_layer::Layer;

use crate::{Tokens, exchange::Policy, service::TokenService};

/// Attaches a valid token to each request and replays the request once if the token was rejected.
///
/// Made with [`new`](Self::new) for one account, with [`per_request`](Self::per_request) for an
/// account chosen by each request, or with [`fixed`](Self::fixed) in your own tests.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tokenkeeper_tower::{Replay, TokenLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_tower::BoxError> {
/// let api = tower::service_fn(async |request: Request<Replay<Full<Bytes>>>| {
///     assert_eq!(request.headers()["authorization"], "Bearer test-token");
///     Ok::<_, std::convert::Infallible>(Response::new(()))
/// });
/// let service = ServiceBuilder::new().layer(TokenLayer::fixed("test-token")).service(api);
/// service.oneshot(Request::get("https://api.example/me").body(Full::default())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenLayer {
    policy: Policy,
}

impl TokenLayer {
    /// Gives every request to the provider's origins the token of one
    /// [`Account`](tokenkeeper_engine::Account), or of your own source with
    /// [`Tokens::from_source`].
    ///
    /// A request to another origin passes untouched, and is logged once per origin.
    pub fn new(tokens: impl Into<Tokens>) -> Self {
        Self {
            policy: Policy::new(tokens),
        }
    }

    /// Gives each request the token of the [`Account`](tokenkeeper_engine::Account) in its
    /// extensions.
    ///
    /// A request without one is refused with [`Error::NoAccount`](crate::Error::NoAccount), unless
    /// it goes to an origin of no configured provider or carries [`Anonymous`](crate::Anonymous). A
    /// request to another origin than its account's passes untouched, and is logged once per
    /// origin.
    pub fn per_request(accounts: &Accounts) -> Self {
        Self::new(accounts)
    }

    /// Puts `Authorization: Bearer <token>` on every request over https or to loopback, without
    /// refreshes, for your own tests.
    ///
    /// # Panics
    ///
    /// If `token` is empty or holds anything but visible ASCII.
    pub fn fixed(token: &str) -> Self {
        Self::new(Tokens::fixed(token))
    }

    /// Sets whether a request whose token was rejected is sent a second time with a new one.
    ///
    /// On by default. It costs a copy of the request's head. A single request opts out with
    /// [`NoReplay`](crate::NoReplay).
    pub fn replay(mut self, on: bool) -> Self {
        self.policy = self.policy.replay(on);
        self
    }

    /// Sets how many bytes of a request's body are recorded for a replay.
    ///
    /// The default is 64 KiB. If more of the body was read before the token was rejected, the
    /// request is not replayed.
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.policy = self.policy.replay_limit(bytes);
        self
    }

    /// Sets whether a request to another origin fails with
    /// [`Error::OtherOrigin`](crate::Error::OtherOrigin).
    ///
    /// Off by default: it passes untouched. [`Anonymous`](crate::Anonymous) requests always pass.
    pub fn strict_origins(mut self, on: bool) -> Self {
        self.policy = self.policy.strict_origins(on);
        self
    }

    /// Sets the origin of requests with a relative URI, for an inner service that completes them,
    /// such as tonic's `Channel`.
    ///
    /// The layer only compares it with the source's origins: the request's URI stays as it is.
    pub fn origin(mut self, origin: Uri) -> Self {
        self.policy = self.policy.origin(origin);
        self
    }
}

impl<S> Layer<S> for TokenLayer {
    type Service = TokenService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TokenService::new(inner, self.policy.clone())
    }
}
