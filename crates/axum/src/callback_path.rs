//! The callback of a provider, as its registration and its dialect define it.

use tokenkeeper_engine::protocol::{Provider, ResponseMode, StateEcho, StatePlace};

/// The path of a provider's registered redirect URI, and how its redirects arrive there.
#[derive(Clone, Debug)]
pub(crate) struct CallbackPath {
    pub(crate) brand: String,
    /// The path of the redirect URI.
    pub(crate) path: String,
    /// Scheme, host and port as browsers write them in `Origin`.
    pub(crate) origin: String,
    /// Whether the application is reached by https.
    pub(crate) secure: bool,
    /// The part of the redirect that holds the answer.
    pub(crate) response_mode: ResponseMode,
    /// Whether each redirect, even a denial, names its flow, so that a browser may have several.
    pub(crate) parallel: bool,
}

impl CallbackPath {
    pub(crate) fn of(provider: &dyn Provider) -> Self {
        let redirect_uri = provider.client().registered_redirect_uri();
        let dialect = provider.client().dialect();
        let carried = matches!(dialect.authorization.state, StatePlace::RedirectUri(_));
        let response_mode = dialect.response_mode();
        Self {
            brand: provider.brand().to_owned(),
            path: redirect_uri.path().to_owned(),
            origin: redirect_uri.origin().ascii_serialization(),
            secure: redirect_uri.scheme() == "https",
            response_mode,
            parallel: response_mode == ResponseMode::Query
                && dialect.state_echo() == StateEcho::Always
                && !carried,
        }
    }
}
