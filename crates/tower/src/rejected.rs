use std::{
    any::Any,
    error::Error as StdError,
    fmt,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, Response, StatusCode, response::Parts};
use tokenkeeper_engine::Error as SourceError;

/// The API rejected a request's token, and no replacement is available.
///
/// [`TokenService`](crate::TokenService) fails with this error if the request was sent and the
/// refresh after the rejection failed. [`error`](Self::error) returns the reason, which
/// [`tokenkeeper_engine::Error::find`] also reaches through any wrapper.
/// [`into_response`](Self::into_response) returns the API's response with its unread body. The body
/// may hold a connection until the error is dropped.
///
/// ```
/// # use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::{BodyExt, Full};
/// # use tokenkeeper_engine::{Accounts, RequestBody, Transport, TransportError};
/// # use tokenkeeper_engine::protocol::{Dialect, Registration, TokenSet};
/// # use tokenkeeper_store_memory::MemoryStore;
/// use tokenkeeper_engine::Advice;
/// use tokenkeeper_tower::{BoxError, Rejected, Replay, TokenLayer};
/// use tower::{ServiceBuilder, ServiceExt};
/// #
/// # #[derive(Debug)]
/// # struct Offline;
/// # #[async_trait::async_trait]
/// # impl Transport for Offline {
/// #     async fn send(
/// #         &self,
/// #         _: Request<RequestBody>,
/// #         _: Duration,
/// #     ) -> Result<Response<Bytes>, TransportError> {
/// #         Err(TransportError::NotSent("offline".into()))
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// # let registration = Registration::new("id", "https://app.example/cb").secret("s");
/// # let provider = Dialect::rfc6749("example", "https://api.example")?.with(registration)?;
/// # let accounts = Accounts::builder(MemoryStore::new()).provider(provider).transport(Offline);
/// # let accounts = accounts.build()?;
/// # let account = accounts.account("example", "user-42")?;
/// # account.adopt(TokenSet::new("no refresh token comes with it")).await?;
/// // An API that rejects every token, and an account that cannot get a new one.
/// let api = tower::service_fn(async |_: Request<Replay<Full<Bytes>>>| {
///     let mut response = Response::new(Full::<Bytes>::from("your access was revoked"));
///     *response.status_mut() = StatusCode::UNAUTHORIZED;
///     Ok::<_, std::convert::Infallible>(response)
/// });
/// let service = ServiceBuilder::new().layer(TokenLayer::new(account)).service(api);
///
/// let request = Request::get("https://api.example/me").body(Full::default())?;
/// let error = service.oneshot(request).await.expect_err("no token is left");
///
/// // Any other error goes to the caller unchanged.
/// let rejected = error.downcast::<Rejected>()?;
/// assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED);
/// assert!(matches!(rejected.error().advice(), Advice::Reauthorize { .. }));
///
/// // The API's response. Its body is that of the inner service: `hyper::body::Incoming` with
/// // hyper's client.
/// let response = rejected.into_response::<Full<Bytes>>()?;
/// assert_eq!(response.into_body().collect().await?.to_bytes(), "your access was revoked");
/// # Ok(())
/// # }
/// ```
pub struct Rejected {
    source: SourceError,
    /// Boxed, since it is more than 200 bytes.
    head: Box<Parts>,
    /// The mutex is never locked. It makes the error `Sync`, which many bodies are not.
    body: Mutex<Box<dyn Any + Send>>,
}

impl Rejected {
    pub(crate) fn new<B: Send + 'static>(source: SourceError, response: Response<B>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            source,
            head: Box::new(head),
            body: Mutex::new(Box::new(body)),
        }
    }

    /// Returns the reason why there is no replacement.
    #[must_use]
    pub fn error(&self) -> &SourceError {
        &self.source
    }

    /// Returns the status of the API's response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the headers of the API's response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the API's response as the inner service returned it.
    ///
    /// # Errors
    ///
    /// The unchanged error, if `B` is not the type of the response's body.
    pub fn into_response<B: 'static>(self) -> Result<Response<B>, Self> {
        let body = self.body.into_inner();
        match body.unwrap_or_else(PoisonError::into_inner).downcast() {
            Ok(body) => Ok(Response::from_parts(*self.head, *body)),
            Err(body) => Err(Self {
                body: Mutex::new(body),
                ..self
            }),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.head.status.as_u16();
        write!(
            f,
            "the API rejected the token ({status}), and no replacement is available"
        )
    }
}

/// Shows no headers and no body: either may hold a secret.
impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("source", &self.source)
            .field("status", &self.head.status)
            .finish_non_exhaustive()
    }
}

impl StdError for Rejected {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
