use tokenkeeper_engine::{Accounts, protocol::Origin};
use tower_layer::Layer;

use crate::{TokenPolicy, service::TokenService};

/// Attaches a valid token to each request and replays the request once if the token was rejected.
///
/// Made with [`new`](Self::new) for one account, with [`per_request`](Self::per_request) for an
/// account chosen by each request, or with [`fixed`](Self::fixed) in your own tests.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tokenkeeper_engine::protocol::Origin;
/// use tokenkeeper_tower::{Replay, TokenLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_tower::BoxError> {
/// let api = tower::service_fn(async |request: Request<Replay<Full<Bytes>>>| {
///     assert_eq!(request.headers()["authorization"], "Bearer test-token");
///     Ok::<_, std::convert::Infallible>(Response::new(()))
/// });
/// let origin = Origin::parse("https://api.example")?;
/// let layer = TokenLayer::fixed("test-token", [origin]);
/// let service = ServiceBuilder::new().layer(layer).service(api);
/// service.oneshot(Request::get("https://api.example/me").body(Full::default())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenLayer {
    policy: TokenPolicy,
}

impl TokenLayer {
    /// Makes a layer from an [`Account`](tokenkeeper_engine::Account), whose token every request
    /// to the provider's origins gets, or from a [`TokenPolicy`] with other options.
    ///
    /// A request to another origin passes untouched.
    pub fn new(policy: impl Into<TokenPolicy>) -> Self {
        Self {
            policy: policy.into(),
        }
    }

    /// Gives each request the token of the [`Account`](tokenkeeper_engine::Account) in its
    /// extensions.
    ///
    /// A request without one is refused with [`Error::NoAccount`](crate::Error::NoAccount), unless
    /// it goes to an origin of no configured provider or carries [`Anonymous`](crate::Anonymous). A
    /// request to another origin than its account's passes untouched.
    pub fn per_request(accounts: &Accounts) -> Self {
        Self::new(accounts)
    }

    /// Puts `Authorization: Bearer <token>` on every request to one of these origins, without
    /// refreshes, for your own tests.
    ///
    /// A request to another origin passes untouched.
    ///
    /// # Panics
    ///
    /// If `token` is empty or holds anything but visible ASCII.
    pub fn fixed(token: &str, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self::new(TokenPolicy::fixed(token, origins))
    }
}

impl<S> Layer<S> for TokenLayer {
    type Service = TokenService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TokenService::new(inner, self.policy.clone())
    }
}
