//! What is sent to the token endpoint and its neighbours, and how a token is attached.

use serde::{Deserialize, Serialize};

use super::{Endpoint, Method, Reach, TokenParameter, TokenPlace};

/// The token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenRules {
    /// Where it is sent.
    pub endpoint: Endpoint,
    /// Where its parameters stand.
    #[serde(default)]
    pub placement: Placement,
    /// Its content type. `None`: `application/x-www-form-urlencoded` for a form, none for headers.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Its `Accept` header. Default: none.
    #[serde(default)]
    pub accept: Option<String>,
    /// How the client says who it is (RFC 6749 §2.3.1).
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The parameters of a code exchange, in this order. Empty: those of RFC 6749 §4.1.3.
    #[serde(default)]
    pub code: Vec<TokenParameter>,
    /// The parameters of a refresh, in this order. Empty: those of RFC 6749 §6, without a scope.
    #[serde(default)]
    pub refresh: Vec<TokenParameter>,
}

impl TokenRules {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            placement: Placement::default(),
            content_type: None,
            accept: None,
            client_authentication: ClientAuthentication::default(),
            code: Vec::new(),
            refresh: Vec::new(),
        }
    }
}

/// Where the parameters of a token request stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// In a form body (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// Each in a header of its own, with an empty body.
    Headers,
}

/// How the client says who it is at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic, its parts form-encoded (RFC 6749 §2.3.1).
    #[default]
    Basic,
    /// By the parameters `client_id` and `client_secret`.
    Parameters,
    /// By the parameter `client_id` alone; a secret in the registration is not sent.
    None,
}

/// How a token is attached to a request. In text: `"bearer"`, `{ header = "x-access-token" }` or `{ query = "access_token" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attach {
    /// `Authorization: Bearer …` (RFC 6750 §2.1), whatever the server calls the token's type.
    #[default]
    Bearer,
    /// Alone in this header.
    Header(String),
    /// As this query parameter. RFC 9700 §4.3.2 advises against it: URLs end up in logs, histories and `Referer`.
    Query(String),
}

/// How a token is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RevocationRules {
    /// Where.
    pub endpoint: Endpoint,
    /// With which method.
    #[serde(default)]
    pub method: Method,
    /// Where the token stands.
    #[serde(default)]
    pub token: TokenPlace,
    /// Which tokens are revoked, in this order, each by a request of its own. Default: the refresh token, then the access token.
    #[serde(default = "RevokedToken::both")]
    pub tokens: Vec<RevokedToken>,
    /// How far one revocation reaches.
    #[serde(default)]
    pub reaches: Reach,
}

impl RevocationRules {
    /// POST with a form, as RFC 7009 has it.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let (method, token) = (Method::default(), TokenPlace::default());
        let (tokens, reaches) = (RevokedToken::both(), Reach::default());
        Self {
            endpoint,
            method,
            token,
            tokens,
            reaches,
        }
    }
}

/// A token that a revocation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedToken {
    /// The access token.
    AccessToken,
    /// The refresh token, if there is one.
    RefreshToken,
}

impl RevokedToken {
    fn both() -> Vec<Self> {
        vec![Self::RefreshToken, Self::AccessToken]
    }
}

/// How a token is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IntrospectionRules {
    /// Where.
    pub endpoint: Endpoint,
    /// With which method.
    #[serde(default)]
    pub method: Method,
    /// Where the token stands.
    #[serde(default)]
    pub token: TokenPlace,
}

impl IntrospectionRules {
    /// POST with a form, as RFC 7662 has it.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let (method, token) = (Method::default(), TokenPlace::default());
        Self {
            endpoint,
            method,
            token,
        }
    }
}
