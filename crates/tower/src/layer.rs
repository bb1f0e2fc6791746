use tokenkeeper_engine::{Accounts, TokenSource, protocol::Origin};
use tower_layer::Layer;

use crate::{Error, Tokens, fixed::Fixed, service::TokenService, settings::Settings};

/// How much of a request's body is kept for a replay unless [`TokenLayer::replay_limit`] says otherwise: 64 KiB.
const REPLAY_LIMIT: usize = 64 * 1024;

/// Attaches a valid token to each request and replays the request once if the token was rejected.
///
/// Make one with [`new`](Self::new) for one account, [`per_request`](Self::per_request) for an account chosen by each request, or
/// [`fixed`](Self::fixed) in your own tests.
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
    settings: Settings,
}

impl TokenLayer {
    /// Every request to the source's origins gets its token: an [`Account`](tokenkeeper_engine::Account), or your own
    /// [`TokenSource`]. A request to another origin passes untouched.
    pub fn new(source: impl TokenSource) -> Self {
        Self::from(Tokens::one(source))
    }

    /// Each request gets the token of the [`Account`](tokenkeeper_engine::Account) in its extensions.
    ///
    /// A request without one is refused with [`Error::NoAccount`], unless it goes to an origin of no configured provider or carries
    /// [`Anonymous`](crate::Anonymous). One whose account belongs to another origin passes untouched.
    pub fn per_request(accounts: &Accounts) -> Self {
        Self::from(Tokens::per_request(accounts))
    }

    /// For your own tests: `Authorization: Bearer <token>` on every request over https or to loopback, whatever its host, and no
    /// refresh.
    ///
    /// # Panics
    /// If `token` holds anything but visible ASCII.
    pub fn fixed(token: &str) -> Self {
        Self::new(Fixed::new(token))
    }

    /// Whether a request whose token was rejected is sent a second time with a new one. On by default; it costs the copy of the
    /// request's head. A single request opts out with [`NoReplay`](crate::NoReplay).
    pub fn replay(mut self, on: bool) -> Self {
        let limit = self.settings.replay_limit.unwrap_or(REPLAY_LIMIT);
        self.settings.replay_limit = on.then_some(limit);
        self
    }

    /// How many bytes of a request's body are kept for a replay, 64 KiB by default. A request of whose body more was read before the
    /// token was rejected is not replayed. Turns replay on.
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.settings.replay_limit = Some(bytes);
        self
    }

    /// Where requests with a relative URI go, for a service that completes them further in (outside tonic's `Channel`, say).
    ///
    /// The layer only needs to know it: the request's URI stays as it is.
    ///
    /// # Errors
    /// [`Error::Origin`] if it is not a scheme and a host, or is http beyond loopback.
    pub fn origin(mut self, origin: &str) -> Result<Self, Error> {
        let origin = Origin::parse(origin).map_err(Error::Origin)?;
        let uri = origin.as_str().parse();
        self.settings.origin = Some(uri.expect("an origin is a valid URI"));
        Ok(self)
    }
}

impl From<Tokens> for TokenLayer {
    fn from(tokens: Tokens) -> Self {
        Self {
            settings: Settings {
                tokens,
                replay_limit: Some(REPLAY_LIMIT),
                origin: None,
            },
        }
    }
}

impl<S> Layer<S> for TokenLayer {
    type Service = TokenService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TokenService::new(inner, self.settings.clone())
    }
}
