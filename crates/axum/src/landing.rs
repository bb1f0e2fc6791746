//! Where a provider's redirect lands.

use tokenkeeper_engine::protocol::{Channel, Provider, StateEcho, StatePlace};

/// The application's side of a provider's redirect URI.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    pub(crate) brand: String,
    /// The path of the redirect URI.
    pub(crate) path: String,
    /// Scheme, host and port as browsers write them in `Origin`.
    pub(crate) origin: String,
    /// Whether the application is reached by https.
    pub(crate) secure: bool,
    /// Where in the redirect the answer comes.
    pub(crate) channel: Channel,
    /// Whether each redirect, a denial's too, says to which flow it belongs, so that several may be under way in one browser.
    pub(crate) parallel: bool,
}

impl Landing {
    pub(crate) fn of(provider: &dyn Provider) -> Self {
        let redirect_uri = provider.client().registration().redirect_uri();
        let dialect = provider.client().dialect();
        let carried = matches!(dialect.authorization.state, StatePlace::RedirectUri(_));
        let channel = dialect.redirect_channel();
        Self {
            brand: provider.brand().to_owned(),
            path: redirect_uri.path().to_owned(),
            origin: redirect_uri.origin().ascii_serialization(),
            secure: redirect_uri.scheme() == "https",
            channel,
            parallel: channel == Channel::Query
                && dialect.state_echo() == StateEcho::Always
                && !carried,
        }
    }
}
