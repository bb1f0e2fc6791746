use reqwest_middleware::Error as MiddlewareError;
use tokenkeeper_engine::protocol;

use crate::Rejected;

/// Why a client could not be made, or a request was refused by the middleware.
///
/// In a request's [`reqwest_middleware::Error`] it is what `Middleware(error)` downcasts to. Where no token could be had, the token
/// source's own error is found through whatever wraps it with [`tokenkeeper_engine::Error::find`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No token can be had, and the request was not sent.
    #[error("no token for this request")]
    Token(#[source] tokenkeeper_engine::Error),
    /// The API rejected the token, and no new one can be had. The API's response is in the error.
    #[error(transparent)]
    Rejected(Rejected),
    /// The request names no account, or its URL has user info.
    #[error("the request was refused before it was sent")]
    Request(#[source] tokenkeeper_tower::Error),
    /// The token cannot be attached to this request.
    #[error("the token cannot be attached to the request")]
    Attach(#[source] protocol::Error),
    /// The URL is not one that HTTP can ask for.
    #[error("the request's URL is not an http(s) URL with a host")]
    Url(#[source] http::uri::InvalidUri),
    /// The provider takes its token in a header of its own or in the query, where reqwest carries it to a foreign host at a redirect.
    #[error(
        "the provider takes its token elsewhere than in `Authorization`, which a redirect would carry to a foreign host: \
         make the client with `tokenkeeper_reqwest::client`"
    )]
    UnsafeClient,
    /// An error from a middleware further in. Its text holds the token, which this provider takes in the query.
    #[error("the request failed; the reason is withheld because its text holds the token")]
    Withheld,
    /// No rustls crypto provider was installed in this process, and reqwest was built without one.
    ///
    /// reqwest panics then, and the panic is what this error is made of: in a program that is built with `panic = "abort"` the process
    /// aborts instead, unless a provider was installed before.
    #[error(
        "no rustls crypto provider is installed: call `rustls::crypto::ring::default_provider().install_default()` (or another's) \
         at the start of the program, or give the builder a TLS configuration"
    )]
    NoCryptoProvider,
    /// reqwest could not make the client.
    #[error("the client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Takes the error out of a request's, or gives that back as it was.
///
/// A middleware outside of [`TokenMiddleware`](crate::TokenMiddleware) may have put its own error around
/// this one, as reqwest-retry does: unwrap that first.
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
