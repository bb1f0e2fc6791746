//! The callback of a provider, as its registration and its dialect define it.

use tokenkeeper_engine::protocol::{
    Provider, RedirectUri, ResponseMode, StateEcho, StatePlace, Url,
};

use crate::error::Error;

/// The path of a provider's registered redirect URI, and how its redirects arrive there.
#[derive(Clone, Debug)]
pub(crate) struct CallbackPath {
    pub(crate) brand: String,
    /// The path of the redirect URI, as browsers see it.
    pub(crate) path: String,
    /// The path at which the application receives it.
    pub(crate) route: String,
    /// Scheme, host and port as browsers write them in `Origin`.
    pub(crate) origin: String,
    /// Whether the application is reached by https.
    pub(crate) secure: bool,
    /// The part of the redirect that holds the answer.
    pub(crate) response_mode: ResponseMode,
    /// The parameter of the redirect that holds the state.
    state_name: String,
    /// Whether each redirect, even a denial, names its flow, so that a browser may have several.
    pub(crate) parallel: bool,
    /// Whether a redirect may have no state, so that the person must confirm the login.
    pub(crate) asks: bool,
}

impl CallbackPath {
    /// Finds the callback of a provider, behind a proxy that removes `prefix` from requests, and
    /// with `port` in place of the registered one.
    pub(crate) fn of(
        provider: &dyn Provider,
        prefix: &str,
        port: Option<u16>,
    ) -> Result<Self, Error> {
        let brand = provider.brand().to_owned();
        let redirect_uri = redirect_uri(provider, port).ok_or_else(|| Error::RedirectPort {
            brand: brand.clone(),
        })?;
        if !matches!(redirect_uri.scheme(), "https" | "http") {
            return Err(Error::PrivateScheme { brand });
        }
        let path = redirect_uri.path().to_owned();
        let Some(route) = below(prefix, &path) else {
            let prefix = prefix.to_owned();
            return Err(Error::OutsidePrefix {
                path,
                brand,
                prefix,
            });
        };
        let dialect = provider.client().dialect();
        let carried = matches!(dialect.authorization.state, StatePlace::RedirectUri(_));
        let response_mode = dialect.response_mode();
        Ok(Self {
            brand,
            route,
            path,
            origin: redirect_uri.origin().ascii_serialization(),
            secure: redirect_uri.scheme() == "https",
            response_mode,
            state_name: dialect.authorization.callback.state.clone(),
            parallel: response_mode != ResponseMode::Fragment
                && dialect.state_echo() == StateEcho::Always
                && !carried,
            asks: dialect.authorization.state == StatePlace::Parameter
                && dialect.state_echo() != StateEcho::Always,
        })
    }

    /// Returns the state of a redirect's parameters, form-encoded, if it has one.
    pub(crate) fn state(&self, parameters: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(parameters.as_bytes());
        let mut states = pairs.filter(|(name, _)| *name == self.state_name);
        let state = states.next().map(|(_, state)| state.into_owned());
        state.filter(|state| !state.is_empty())
    }
}

/// Returns the redirect URI of logins, if it may have this port.
fn redirect_uri(provider: &dyn Provider, port: Option<u16>) -> Option<Url> {
    let client = provider.client();
    let Some(port) = port else {
        return Some(client.registered_redirect_uri().clone());
    };
    let redirect_uri = RedirectUri::new(client.registration().redirect_uri()).with_port(port);
    let redirect_uri = redirect_uri.ok()?;
    client.check_redirect_uri(&redirect_uri).ok()?;
    Url::parse(redirect_uri.as_str()).ok()
}

/// Returns the path without its prefix, which ends where a segment ends.
fn below(prefix: &str, path: &str) -> Option<String> {
    match path.strip_prefix(prefix)? {
        "" => Some("/".to_owned()),
        rest => rest.starts_with('/').then(|| rest.to_owned()),
    }
}
