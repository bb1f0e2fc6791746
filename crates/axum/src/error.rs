//! The errors of a set of routes.

/// Error of [`Routes::router`](crate::Routes::router). Its text names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two providers share a redirect path, which must identify the provider (RFC 9700 §4.4.2).
    #[error(
        "`{first}` and `{second}` have the same redirect path `{path}`: register a different one \
         for each"
    )]
    SharedPath {
        /// The path.
        path: String,
        /// The brand that uses it.
        first: String,
        /// The brand that uses it too.
        second: String,
    },
    /// A redirect URI has the path of a connect or disconnect route.
    #[error(
        "the redirect path `{path}` of `{brand}` is taken by a form's route: register another, \
         or move the forms with `Routes::at`"
    )]
    TakenPath {
        /// The path.
        path: String,
        /// The provider's brand.
        brand: String,
    },
    /// A redirect URI is not below the prefix that a proxy removes.
    #[error(
        "the redirect path `{path}` of `{brand}` is not below `{prefix}`: register another, or \
         correct `Routes::behind_prefix`"
    )]
    OutsidePrefix {
        /// The path.
        path: String,
        /// The provider's brand.
        brand: String,
        /// The prefix.
        prefix: String,
    },
    /// A redirect URI cannot have the port that
    /// [`Routes::redirect_port`](crate::Routes::redirect_port) sets.
    #[error(
        "the redirect URI of `{brand}` cannot have another port: register one on 127.0.0.1, or \
         leave `Routes::redirect_port` out"
    )]
    RedirectPort {
        /// The provider's brand.
        brand: String,
    },
    /// A redirect URI has a private-use scheme, which leads to no server.
    #[error(
        "the redirect URI of `{brand}` has a private-use scheme, which leads to no server: \
         register one with https, or serve the provider without these routes"
    )]
    PrivateScheme {
        /// The provider's brand.
        brand: String,
    },
    /// An allowed parameter has the name of a field that the routes read themselves.
    #[error(
        "`{name}` is a field of these routes: leave it out of `Routes::allow_parameters`, and \
         allow scopes by `Routes::allow_scopes`"
    )]
    ReservedParameter {
        /// The name.
        name: String,
    },
    /// A path to redirect to is not on this site, as it must be to prevent an open redirect.
    #[error("`{given}` {problem}: write a path like `/settings`")]
    LocalPath {
        /// The given path.
        given: String,
        /// The problem with it.
        problem: &'static str,
    },
}
