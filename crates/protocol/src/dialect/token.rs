//! Requests to the token, revocation and introspection endpoints, and how a token is attached.

use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    authorization::Pkce,
    check::{header_name, repeats, wrong},
    endpoint::{Endpoint, Method},
    parameter::{TokenParameter, TokenPlace, TokenValue},
    policy::RevocationReach,
};
use crate::error::Error;

/// The token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenRules {
    /// The token endpoint.
    pub endpoint: Endpoint,
    /// The place of the parameters.
    #[serde(default)]
    pub placement: ParameterPlace,
    /// The content type. `None`: `application/x-www-form-urlencoded` for a form, none for headers.
    #[serde(default)]
    pub content_type: Option<String>,
    /// The header `Accept`. Default: none.
    #[serde(default)]
    pub accept: Option<String>,
    /// How the client authenticates (RFC 6749 §2.3.1).
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The parameters of a code exchange, in order. Empty: those of RFC 6749 §4.1.3.
    #[serde(default)]
    pub code: Vec<TokenParameter>,
    /// The parameters of a refresh, in order. Empty: those of RFC 6749 §6, without a scope.
    #[serde(default)]
    pub refresh: Vec<TokenParameter>,
}

impl TokenRules {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            placement: ParameterPlace::default(),
            content_type: None,
            accept: None,
            client_authentication: ClientAuthentication::default(),
            code: Vec::new(),
            refresh: Vec::new(),
        }
    }

    pub(super) fn check(&self, pkce: Pkce) -> Result<(), Error> {
        let lists = [
            (
                "token.code",
                &self.code,
                TokenValue::Code,
                TokenValue::RefreshToken,
            ),
            (
                "token.refresh",
                &self.refresh,
                TokenValue::RefreshToken,
                TokenValue::Code,
            ),
        ];
        for (field, list, own, other) in lists {
            let has = |value| {
                list.iter()
                    .any(|parameter: &TokenParameter| parameter.value == value)
            };
            if self.placement == ParameterPlace::Headers {
                if list.is_empty() {
                    return wrong(
                        field,
                        "must name each parameter's header if `placement` is `headers`",
                    );
                }
                for parameter in list {
                    header_name(field, &parameter.name)?;
                }
            }
            if list.is_empty() {
                continue;
            }
            if repeats(list.iter().map(|parameter| &parameter.name)) {
                return wrong(field, "must not list a name twice");
            }
            if !has(own) || has(other) {
                return wrong(
                    field,
                    "must list the grant's code or refresh token, and not the other one",
                );
            }
            if has(TokenValue::ClientSecret)
                != (self.client_authentication == ClientAuthentication::Parameters)
            {
                return wrong(
                    field,
                    "must list client_secret exactly if `client_authentication` is `parameters`",
                );
            }
            if self.client_authentication != ClientAuthentication::Basic
                && !has(TokenValue::ClientId)
            {
                return wrong(
                    field,
                    "must list client_id unless `client_authentication` is `basic`",
                );
            }
        }
        let verifier_named = self
            .code
            .iter()
            .any(|p| p.value == TokenValue::CodeVerifier);
        if self.placement == ParameterPlace::Headers && pkce == Pkce::S256 && !verifier_named {
            return wrong(
                "token.code",
                "must name a header for code_verifier unless `authorization.pkce` is `off`",
            );
        }
        for (field, value) in [
            ("token.content_type", &self.content_type),
            ("token.accept", &self.accept),
        ] {
            if value
                .as_ref()
                .is_some_and(|value| HeaderValue::from_str(value).is_err())
            {
                return wrong(field, "must be a valid header value");
            }
        }
        Ok(())
    }
}

/// The place of the parameters of a token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterPlace {
    /// A form body (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// One header each, with an empty body.
    Headers,
}

/// How the client authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic, with form-encoded parts (RFC 6749 §2.3.1).
    #[default]
    Basic,
    /// The parameters `client_id` and `client_secret`.
    Parameters,
    /// The parameter `client_id` alone; a secret of the registration is not sent.
    None,
}

/// How a token is attached to a request of the API (RFC 6750 §2).
///
/// In text: `"bearer"`, `{ header = "x-access-token" }` or `{ query = "access_token" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentMethod {
    /// `Authorization: Bearer …` (RFC 6750 §2.1), for any `token_type`.
    #[default]
    Bearer,
    /// This header, with the token alone.
    Header(String),
    /// This query parameter. RFC 9700 §4.3.2 advises against it: URLs end up in logs, histories and
    /// `Referer`.
    Query(String),
}

impl AttachmentMethod {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Bearer => Ok(()),
            Self::Header(name) => header_name("attach", name),
            Self::Query(name) if name.is_empty() => wrong("attach", "must name a parameter"),
            Self::Query(_) => Ok(()),
        }
    }
}

/// How a token is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RevocationRules {
    /// The revocation endpoint.
    pub endpoint: Endpoint,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The place of the token.
    #[serde(default)]
    pub token: TokenPlace,
    /// The tokens to revoke, in order, one request each. Default: the refresh token, then the
    /// access token.
    #[serde(default = "RevokedToken::both")]
    pub tokens: Vec<RevokedToken>,
    /// How far one revocation reaches.
    #[serde(default)]
    pub reaches: RevocationReach,
    /// The refusals that mean that the token is invalid, in addition to a 2xx. Default: none.
    #[serde(default)]
    pub done_when: Vec<RevokedResponse>,
}

impl RevocationRules {
    /// Makes the rules of RFC 7009: POST with a form.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let (method, token) = (Method::default(), TokenPlace::default());
        let (tokens, reaches) = (RevokedToken::both(), RevocationReach::default());
        Self {
            endpoint,
            method,
            token,
            tokens,
            reaches,
            done_when: Vec::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.token.check("revocation.token")?;
        if self.tokens.is_empty() {
            return wrong("revocation.tokens", "is empty: remove `revocation` instead");
        }
        self.done_when.iter().try_for_each(RevokedResponse::check)
    }
}

/// A refusal of a revocation that means that the token is invalid.
///
/// It matches if everything that it names matches. In text: `{ status = 404 }`, `{ error =
/// "invalid_token" }` or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RevokedResponse {
    /// The status, from 200 to 499 without 408 and 429, which never decide. `None`: any.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error code. `None`: any.
    #[serde(default)]
    pub error: Option<String>,
}

impl RevokedResponse {
    /// Matches this error code, at any status that decides.
    #[must_use]
    pub fn new(error: &str) -> Self {
        let error = Some(error.to_owned());
        Self {
            status: None,
            error,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.status.is_none() && self.error.is_none() {
            return wrong(
                "revocation.done_when",
                "has a response without status and error: name one of them",
            );
        }
        if self
            .status
            .is_some_and(|status| !(200..=499).contains(&status) || matches!(status, 408 | 429))
        {
            return wrong(
                "revocation.done_when",
                "must hold statuses from 200 to 499, and never 408 or 429",
            );
        }
        Ok(())
    }

    pub(crate) fn fits(&self, status: StatusCode, code: Option<&str>) -> bool {
        self.status.is_none_or(|wanted| wanted == status.as_u16())
            && self
                .error
                .as_deref()
                .is_none_or(|wanted| code == Some(wanted))
    }
}

/// A token to revoke.
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

/// How a token is introspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IntrospectionRules {
    /// The introspection endpoint.
    pub endpoint: Endpoint,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The place of the token.
    #[serde(default)]
    pub token: TokenPlace,
}

impl IntrospectionRules {
    /// Makes the rules of RFC 7662: POST with a form.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let (method, token) = (Method::default(), TokenPlace::default());
        Self {
            endpoint,
            method,
            token,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.token.check("introspection.token")
    }
}
