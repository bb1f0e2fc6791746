//! The endpoints, and what their requests must hold.

use super::{Named, PlainOptions};
use crate::faults::Endpoint;

/// The place of the parameters of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ParameterPlace {
    /// A form in the body (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// A JSON object in the body; a form is refused (Notion, TikTok).
    Json,
    /// The query of a POST; the body is not read (Bullhorn).
    Query,
}

/// What requests must hold.
#[derive(Debug, Clone)]
pub(crate) struct RequestOptions {
    paths: Vec<(Endpoint, String)>,
    /// The refresh endpoint, if it is not the token endpoint.
    pub(crate) refresh_path: Option<String>,
    pub(crate) place: ParameterPlace,
    /// Standard names and the names that stand for them.
    pub(crate) names: Named<String>,
    pub(crate) authorization: Named<String>,
    pub(crate) code: Named<String>,
    pub(crate) refresh: Named<String>,
    pub(crate) headers: Named<String>,
    pub(crate) offline: Option<(String, String)>,
    pub(crate) scope_separator: char,
    pub(crate) further_scopes: Vec<String>,
    pub(crate) require_pkce: bool,
    pub(crate) ignore_redirect_uri: bool,
    pub(crate) optional_grant_type: bool,
}

impl RequestOptions {
    pub(crate) fn path(&self, endpoint: Endpoint) -> &str {
        let set = self.paths.iter().rev().find(|(of, _)| *of == endpoint);
        set.map_or(default_path(endpoint), |(_, path)| path)
    }
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            refresh_path: None,
            place: ParameterPlace::default(),
            names: Vec::new(),
            authorization: Vec::new(),
            code: Vec::new(),
            refresh: Vec::new(),
            headers: Vec::new(),
            offline: None,
            scope_separator: ' ',
            further_scopes: Vec::new(),
            require_pkce: false,
            ignore_redirect_uri: false,
            optional_grant_type: false,
        }
    }
}

fn default_path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Authorize => "/authorize",
        Endpoint::Token => "/token",
        Endpoint::Api => "/api/me",
        Endpoint::Revoke => "/revoke",
        Endpoint::Introspect => "/introspect",
        Endpoint::DeviceAuthorization => "/device_authorization",
    }
}

/// Endpoints and requests.
///
/// A required parameter or header is one that the provider does not do without: a request that
/// lacks it, or has another value, is an `invalid_request`.
impl PlainOptions {
    /// Moves an endpoint to this path, which begins with `/` and is no other endpoint's.
    ///
    /// Default: `/authorize`, `/token`, `/api/me`, `/revoke`, `/introspect`.
    #[must_use]
    pub fn path(mut self, endpoint: Endpoint, path: impl Into<String>) -> Self {
        self.requests.paths.push((endpoint, path.into()));
        self
    }

    /// Adds an endpoint at this path for refreshes, and refuses them at the token endpoint (Figma).
    ///
    /// The path says what is asked for: `grant_type` may be absent there.
    #[must_use]
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.requests.refresh_path = Some(path.into());
        self
    }

    /// Sets where the parameters of token requests are. Default: a form.
    ///
    /// Introspection takes a form anyway (RFC 7662 §2.1).
    #[must_use]
    pub fn token_parameters(mut self, place: ParameterPlace) -> Self {
        self.requests.place = place;
        self
    }

    /// Renames a parameter of all requests: `client_id` to `client_key` (TikTok). The standard name
    /// is unknown then.
    #[must_use]
    pub fn parameter_name(mut self, standard: &str, name: impl Into<String>) -> Self {
        let names = &mut self.requests.names;
        names.push((standard.to_owned(), name.into()));
        self
    }

    /// Requires a parameter of authorization requests, such as `audience` (Atlassian).
    #[must_use]
    pub fn require_authorization_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let required = &mut self.requests.authorization;
        required.push((name.into(), value.into()));
        self
    }

    /// Requires a parameter of token requests with a code.
    #[must_use]
    pub fn require_code_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.requests.code.push((name.into(), value.into()));
        self
    }

    /// Requires a parameter of refreshes.
    #[must_use]
    pub fn require_refresh_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.requests.refresh.push((name.into(), value.into()));
        self
    }

    /// Requires a header of token requests.
    #[must_use]
    pub fn require_token_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.requests.headers.push((name.into(), value.into()));
        self
    }

    /// Issues refresh tokens only if the authorization request has this parameter, such as
    /// `access_type=offline` (Google) or `duration=permanent` (Reddit).
    #[must_use]
    pub fn offline_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.requests.offline = Some((name.into(), value.into()));
        self
    }

    /// Sets what separates scopes, in requests and answers. Default: a space (RFC 6749 §3.3).
    ///
    /// A scope holds no space, so with a comma the list `a b` is an `invalid_scope`.
    #[must_use]
    pub fn scope_separator(mut self, separator: char) -> Self {
        self.requests.scope_separator = separator;
        self
    }

    /// Adds a second parameter for scopes, such as `user_scope` (Slack).
    ///
    /// What was granted for it is a member of the same name in the answer to the code.
    #[must_use]
    pub fn further_scope(mut self, name: impl Into<String>) -> Self {
        self.requests.further_scopes.push(name.into());
        self
    }

    /// Takes a request without `grant_type` for what its parameters say: a `code`, or a
    /// `refresh_token` (Clover).
    #[must_use]
    pub fn optional_grant_type(mut self) -> Self {
        self.requests.optional_grant_type = true;
        self
    }

    /// Ignores `redirect_uri` when a code is redeemed, against RFC 6749 §4.1.3 (Clover).
    #[must_use]
    pub fn ignore_redirect_uri(mut self) -> Self {
        self.requests.ignore_redirect_uri = true;
        self
    }

    /// Refuses authorization requests without a PKCE challenge.
    #[must_use]
    pub fn require_pkce(mut self) -> Self {
        self.requests.require_pkce = true;
        self
    }
}
