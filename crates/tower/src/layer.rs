#[cfg(doc)]
use tokenkeeper_engine::Account;
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
    /// Makes a layer from an [`Account`], whose token every request to the provider's origins
    /// gets, or from a [`TokenPolicy`] with other options.
    ///
    /// A request to another origin passes untouched.
    pub fn new(policy: impl Into<TokenPolicy>) -> Self {
        Self {
            policy: policy.into(),
        }
    }

    /// Gives each request the token of the [`Account`] in its extensions, or else that of the
    /// [scope](Account::scope) in which it is sent.
    ///
    /// A request without an account is refused with
    /// [`Error::NoAccount`](crate::Error::NoAccount), unless it goes to an origin of no configured
    /// provider or carries [`Anonymous`](crate::Anonymous). A request to another origin than its
    /// account's passes untouched.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use bytes::Bytes;
    /// use http::{Request, Response, header::AUTHORIZATION};
    /// use http_body_util::Full;
    /// # use tokenkeeper_test_support::offline;
    /// use tokenkeeper_tower::{Replay, TokenLayer};
    /// use tower::{ServiceBuilder, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_tower::BoxError> {
    /// # let accounts = offline::accounts(&["https://api.example"]);
    /// # let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
    /// # let bob = offline::connected(&accounts, "plain-0", "bob", "secret-2").await;
    /// // An API that returns the header.
    /// let api = tower::service_fn(async |request: Request<Replay<Full<Bytes>>>| {
    ///     Ok::<_, Infallible>(Response::new(request.headers()[AUTHORIZATION].clone()))
    /// });
    /// let layer = TokenLayer::per_request(&accounts);
    /// let client = ServiceBuilder::new().layer(layer).service(api);
    /// let request = || Request::get("https://api.example/me").body(Full::default());
    ///
    /// // Where you make the request:
    /// let mut own = request()?;
    /// own.extensions_mut().insert(alice);
    /// let response = client.clone().oneshot(own).await?;
    /// assert_eq!(response.body(), "Bearer secret-1");
    ///
    /// // Where another crate makes it:
    /// let typed_call = async { client.oneshot(request()?).await };
    /// let response = bob.scope(typed_call).await?;
    /// assert_eq!(response.body(), "Bearer secret-2");
    /// # Ok(())
    /// # }
    /// ```
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
