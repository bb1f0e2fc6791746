use reqwest_middleware::Error as MiddlewareError;
use tokenkeeper_engine::protocol;

use crate::Rejected;

/// The reason why a client could not be made, or why the middleware failed a request.
///
/// `Middleware(error)` of a request's [`reqwest_middleware::Error`] downcasts to it.
/// [`tokenkeeper_engine::Error::find`] reaches the token source's error through any wrapper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No token is available, and the request was not sent.
    #[error("no token for this request")]
    Token(#[source] tokenkeeper_engine::Error),
    /// The API rejected the token, and no replacement is available. It holds the API's response.
    #[error(transparent)]
    Rejected(Rejected),
    /// The request names no account, its URL has user info, or it goes to another origin while
    /// origins are strict.
    #[error("the request was refused before it was sent")]
    Request(#[source] tokenkeeper_tower::Error),
    /// The token cannot be attached to this request.
    #[error("the token cannot be attached to the request")]
    Attach(#[source] protocol::Error),
    /// The URL is not an http(s) URL with a host.
    #[error("the request's URL is not an http(s) URL with a host")]
    Url(#[source] http::uri::InvalidUri),
    /// The provider takes its token elsewhere than in `Authorization`, where a redirect would carry
    /// it to a foreign host.
    #[error(
        "the provider takes its token elsewhere than in `Authorization`, which a redirect would \
         carry to a foreign host: build the client with `tokenkeeper_reqwest::client`"
    )]
    UnsafeClient,
    /// The error of an inner middleware, which shows the token that this provider takes in the
    /// query.
    #[error("the request failed; the reason is withheld because its text shows the token")]
    Withheld,
    /// No rustls crypto provider is installed in this process, and reqwest was built without one.
    ///
    /// reqwest panics then, and the panic is caught. A program that is built with
    /// `panic = "abort"` aborts instead.
    #[error(
        "no rustls crypto provider is installed: call \
         `rustls::crypto::ring::default_provider().install_default()` (or another's) at the start \
         of the program, or give the builder a TLS configuration"
    )]
    NoCryptoProvider,
    /// reqwest cannot build the client.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// Takes the error out of a request's error, or returns that unchanged.
///
/// A middleware outside [`TokenMiddleware`](crate::TokenMiddleware) may have wrapped the error, as
/// reqwest-retry does: unwrap it first.
impl TryFrom<MiddlewareError> for Rejected {
    type Error = MiddlewareError;

    fn try_from(error: MiddlewareError) -> Result<Self, MiddlewareError> {
        let error = match error {
            MiddlewareError::Middleware(error) => error,
            other => return Err(other),
        };
        match error.downcast() {
            Ok(Error::Rejected(rejected)) => Ok(rejected),
            Ok(other) => Err(MiddlewareError::middleware(other)),
            Err(other) => Err(MiddlewareError::Middleware(other)),
        }
    }
}
