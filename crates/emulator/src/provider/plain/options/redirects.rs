//! The redirect to the client.

use super::{Named, PlainOptions, last};

/// The part of a redirect that has the authorization response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ResponseMode {
    /// The query (RFC 6749 §4.1.2).
    #[default]
    Query,
    /// The fragment, which only the browser sees.
    Fragment,
    /// A page that posts a form to the redirect URI ("OAuth 2.0 Form Post Response Mode").
    FormPost,
}

impl ResponseMode {
    /// Returns the value of the parameter `response_mode`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

/// The redirect and its parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct RedirectOptions {
    pub(crate) mode: ResponseMode,
    pub(crate) issuer: bool,
    pub(crate) any_loopback_port: bool,
    pub(crate) without_state_on_denial: bool,
    /// Parameters of a redirect with a code.
    pub(crate) further: Named<String>,
    names: Named<String>,
}

impl RedirectOptions {
    /// Returns the name of a parameter in the redirect.
    pub(crate) fn name<'a>(&'a self, standard: &'a str) -> &'a str {
        last(&self.names, standard).map_or(standard, String::as_str)
    }
}

/// The redirect.
impl PlainOptions {
    /// Sets where the redirect has its parameters. Default: in the query.
    ///
    /// A request that asks for another `response_mode` is an `invalid_request`.
    #[must_use]
    pub fn response_mode(mut self, mode: ResponseMode) -> Self {
        self.redirects.mode = mode;
        self
    }

    /// Adds a parameter to redirects with a code, such as `realmId` (QuickBooks) or `merchant_id`
    /// (Clover).
    #[must_use]
    pub fn redirect_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.redirects.further.push((name.into(), value.into()));
        self
    }

    /// Renames `code`, `state` or `error` in redirects: `code` to `spapi_oauth_code` (Amazon).
    #[must_use]
    pub fn redirect_name(mut self, standard: &str, name: impl Into<String>) -> Self {
        let names = &mut self.redirects.names;
        names.push((standard.to_owned(), name.into()));
        self
    }

    /// Adds `iss` (RFC 9207) to redirects: the emulator's base URL.
    #[must_use]
    pub fn issuer(mut self) -> Self {
        self.redirects.issuer = true;
        self
    }

    /// Omits the state from redirects with an error, against RFC 6749 §4.1.2.1.
    #[must_use]
    pub fn omit_state_on_denial(mut self) -> Self {
        self.redirects.without_state_on_denial = true;
        self
    }

    /// Accepts any port in a registered redirect URI of 127.0.0.1 or `[::1]` (RFC 8252 §7.3).
    #[must_use]
    pub fn any_loopback_port(mut self) -> Self {
        self.redirects.any_loopback_port = true;
        self
    }
}
