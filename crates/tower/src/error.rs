use tokenkeeper_engine::protocol;

/// Why a request was refused by the layer itself.
///
/// An error of the token source ([`tokenkeeper_engine::Error`]) is in the service's boxed error as
/// it is if the request was not sent, and inside a [`Rejected`](crate::Rejected) if the API rejected
/// its token. Find each with `downcast_ref`, or the source's with
/// [`tokenkeeper_engine::Error::find`] through any wrapper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Per-request mode: the request goes to a provider's origin and names no account.
    #[error(
        "the request names no account: insert an `Account` into its extensions, or `Anonymous` to send it without a token"
    )]
    NoAccount,
    /// The URI is relative, so that nobody can say whether the token belongs to its target.
    #[error(
        "the request's URI has no authority: give the layer its origin with `.origin(..)`, or place it where URIs are absolute"
    )]
    NoAuthority,
    /// The URI holds a user name or password.
    #[error("the request's URI has user info (`user@host`): remove it")]
    UserInfo,
    /// The text given to [`TokenLayer::origin`](crate::TokenLayer::origin) is not an origin.
    #[error("an origin is a scheme and a host, such as `https://api.example`")]
    Origin(#[source] protocol::Error),
    /// The token cannot be attached to this request.
    #[error("the token cannot be attached to the request")]
    Attach(#[source] protocol::Error),
    /// The first attempt's body, after the replay took the rest of it. The replay's result is what counts.
    #[error("the rest of this body was sent with the replay of its request")]
    BodyMoved,
    /// No rustls crypto provider was installed in this process.
    #[cfg(feature = "hyper")]
    #[error(
        "no rustls crypto provider is installed: call `rustls::crypto::ring::default_provider().install_default()` (or another's) \
         at the start of the program, or pass one to `HyperTransport::with_crypto`"
    )]
    NoCryptoProvider,
    /// TLS could not be set up, for example because the system has no root certificates.
    #[cfg(feature = "hyper")]
    #[error("TLS cannot be set up; are root certificates installed?")]
    Tls(#[source] rustls::Error),
}
