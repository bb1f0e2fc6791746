//! The API, and where it is.

use super::{Named, PlainOptions};

/// How the API takes an access token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ApiCredential {
    /// `Authorization: Bearer`, in any case (RFC 6750 §2.1).
    #[default]
    Bearer,
    /// `Authorization` with this scheme, such as `Zoho-oauthtoken`.
    Scheme(String),
    /// This header with the token alone, such as `x-shopify-access-token`.
    Header(String),
    /// This parameter of the query (RFC 6750 §2.3).
    Query(String),
}

/// The API.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiOptions {
    pub(crate) credential: ApiCredential,
    pub(crate) headers: Named<String>,
    pub(crate) scope: Option<String>,
    /// The path of the member with the API server's base URL.
    pub(crate) told_in_answer: Option<String>,
    /// The parameter of the redirect with the API server's base URL.
    pub(crate) told_in_redirect: Option<String>,
    base: Option<String>,
}

impl ApiOptions {
    /// Returns whether the API has its own server.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.told_in_answer.is_some() || self.told_in_redirect.is_some() || self.base.is_some()
    }

    pub(crate) fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }
}

/// The API.
impl PlainOptions {
    /// Sets how the API takes an access token. Default: `Authorization: Bearer`.
    ///
    /// A request with the token elsewhere is a 401, like one without a token.
    #[must_use]
    pub fn api_credential(mut self, credential: ApiCredential) -> Self {
        self.api.credential = credential;
        self
    }

    /// Requires a header of API requests, such as `Notion-Version`; without it they are a 400.
    #[must_use]
    pub fn require_api_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.api.headers.push((name.into(), value.into()));
        self
    }

    /// Requires a scope of API requests; without it they are a 403 with `insufficient_scope` (RFC
    /// 6750 §3.1).
    #[must_use]
    pub fn require_api_scope(mut self, scope: impl Into<String>) -> Self {
        self.api.scope = Some(scope.into());
        self
    }

    /// Gives the API its own server, whose base URL is a member of the answers with tokens:
    /// `instance_url` (Salesforce), `api_domain` (Pipedrive).
    ///
    /// It listens on another port, and in process it has another host. Only it takes tokens:
    /// they are a 401 at the first server.
    #[must_use]
    pub fn api_server_in_answer(mut self, path: impl Into<String>) -> Self {
        self.api.told_in_answer = Some(path.into());
        self
    }

    /// Gives the API its own server, as
    /// [`api_server_in_answer`](Self::api_server_in_answer) does, whose base URL is a parameter of
    /// the redirects with a code.
    #[must_use]
    pub fn api_server_in_redirect(mut self, name: impl Into<String>) -> Self {
        self.api.told_in_redirect = Some(name.into());
        self
    }

    /// Gives the API its own server, and sets the base URL that it assumes for itself:
    /// `https://eu1.api.example.com`.
    ///
    /// Default: the address that it is bound to, or `http://localhost:2` in process.
    #[must_use]
    pub fn api_server(mut self, base: impl Into<String>) -> Self {
        self.api.base = Some(base.into().trim_end_matches('/').to_owned());
        self
    }
}
