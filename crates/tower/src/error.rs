use tokenkeeper_engine::protocol;

/// The reason why the layer itself refused a request.
///
/// An error of the token source ([`tokenkeeper_engine::Error`]) is not wrapped if the request was
/// not sent. If the API rejected the token, it is inside a [`Rejected`](crate::Rejected).
/// `downcast_ref` finds each. [`tokenkeeper_engine::Error::find`] reaches the source's through any
/// wrapper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// In per-request mode, a request to a provider's origin names no account, in its extensions
    /// or by the scope in which it is sent.
    #[error(
        "the request names no account: insert an `Account` into its extensions, or send it within \
         `Account::scope` and in the same task; `Anonymous` in its extensions sends it without a \
         token"
    )]
    NoAccount,
    /// The URI is relative, so its target is unknown.
    #[error(
        "the request's URI has no authority: give the layer's `TokenPolicy` its origin, or \
         place it where URIs are absolute"
    )]
    NoAuthority,
    /// The URI is relative, and the policy's origin cannot be that of a provider's API.
    #[error("the origin of relative URIs is wrong: give `TokenPolicy::origin` https or loopback")]
    Origin,
    /// The URI holds a user name or password.
    #[error("the request's URI has user info (`user@host`): remove it")]
    UserInfo,
    /// With strict origins, the request goes to an origin that the token does not belong to.
    #[error(
        "the request goes to {origin}, and tokens go to {allowed} only: send it with another \
         client, or insert `Anonymous` into its extensions"
    )]
    OtherOrigin {
        /// The origin of the request.
        origin: String,
        /// The origins that the request's token belongs to.
        allowed: String,
    },
    /// The account is not read from the store yet, and only its login tells whether the request
    /// goes to its API. [`TokenPolicy::load`](crate::TokenPolicy::load) reads it.
    ///
    /// The layer and the middleware read the account themselves, and never fail with this error.
    #[error("the account is not loaded: wait for `TokenPolicy::load`, then begin again")]
    NotLoaded,
    /// The token cannot be attached to this request.
    #[error("the token cannot be attached to the request")]
    Attach(#[source] protocol::Error),
    /// The error of the first attempt's body after the replay took the rest of it. The replay's
    /// result is the one that counts.
    #[error("the rest of this body was sent with the replay of its request")]
    BodyMoved,
    /// No rustls crypto provider is installed in this process.
    #[cfg(feature = "hyper")]
    #[error(
        "no rustls crypto provider is installed: call \
         `rustls::crypto::ring::default_provider().install_default()` (or another's) at the start \
         of the program, or pass one to `HyperTransport::with_crypto`"
    )]
    NoCryptoProvider,
    /// TLS could not be set up, for example because the system has no root certificates.
    #[cfg(feature = "hyper")]
    #[error("TLS cannot be set up; are root certificates installed?")]
    Tls(#[source] rustls::Error),
}
