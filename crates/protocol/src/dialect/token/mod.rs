//! Requests to the token endpoint.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{endpoint::Endpoint, parameter::TokenParameter, template::Template};

/// The token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenRules {
    /// The token endpoint.
    pub endpoint: Endpoint,
    /// The endpoint of refreshes. `None`: the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_endpoint: Option<Endpoint>,
    /// The place of the parameters.
    #[serde(default)]
    pub placement: ParameterPlace,
    /// The content type. `None`: that of a form or of JSON, and none without a body.
    #[serde(default)]
    pub content_type: Option<String>,
    /// The header `Accept`. `None`: `application/json`.
    #[serde(default)]
    pub accept: Option<String>,
    /// How the client authenticates (RFC 6749 §2.3.1).
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// How the client authenticates at a refresh. `None`: as at a code exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_client_authentication: Option<ClientAuthentication>,
    /// The parameters of a code exchange, in order. Empty: those of RFC 6749 §4.1.3.
    #[serde(default)]
    pub code: Vec<TokenParameter>,
    /// The parameters of a refresh, in order. Empty: those of RFC 6749 §6, without a scope.
    #[serde(default)]
    pub refresh: Vec<TokenParameter>,
    /// Further parameters with fixed values, after the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixed: BTreeMap<String, Template>,
    /// Further parameters of a code exchange with fixed values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub code_fixed: BTreeMap<String, Template>,
    /// Further parameters of a refresh with fixed values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refresh_fixed: BTreeMap<String, Template>,
    /// Further headers, of revocations and introspections with a form too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
}

impl TokenRules {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            refresh_endpoint: None,
            placement: ParameterPlace::default(),
            content_type: None,
            accept: None,
            client_authentication: ClientAuthentication::default(),
            refresh_client_authentication: None,
            code: Vec::new(),
            refresh: Vec::new(),
            fixed: BTreeMap::new(),
            code_fixed: BTreeMap::new(),
            refresh_fixed: BTreeMap::new(),
            headers: BTreeMap::new(),
        }
    }

    /// Returns how the client authenticates at a refresh.
    #[must_use]
    pub fn refresh_authentication(&self) -> ClientAuthentication {
        self.refresh_client_authentication
            .unwrap_or(self.client_authentication)
    }
}

/// The place of the parameters of a token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterPlace {
    /// A form body (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// A JSON object in the body, whose members are strings.
    Json,
    /// The URL's query, with an empty body. Servers and proxies log URLs, which then hold the
    /// code, the refresh token and the secret: only for providers that take nothing else.
    Query,
    /// One header each, with an empty body.
    Headers,
}

impl ParameterPlace {
    pub(crate) const FORM: &'static str = "application/x-www-form-urlencoded";
    pub(crate) const JSON: &'static str = "application/json";

    /// Returns the content type of the body; `None` if there is no body.
    pub(crate) fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Form => Some(Self::FORM),
            Self::Json => Some(Self::JSON),
            Self::Query | Self::Headers => None,
        }
    }
}

/// How the client authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic, with form-encoded parts (RFC 6749 §2.3.1).
    #[default]
    Basic,
    /// HTTP Basic with the parts as they are, for servers that do not decode them.
    BasicUnencoded,
    /// HTTP Basic with the secret as the user name, as it is, and an empty password.
    BasicSecretOnly,
    /// The parameters `client_id` and `client_secret`.
    Parameters,
    /// The parameter `client_id` alone; a secret of the registration is not sent.
    None,
}

impl ClientAuthentication {
    /// Returns whether the client authenticates in `Authorization`.
    pub(crate) fn is_header(self) -> bool {
        matches!(
            self,
            Self::Basic | Self::BasicUnencoded | Self::BasicSecretOnly
        )
    }
}
