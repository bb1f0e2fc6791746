//! The parameters of requests: names, order and places.

use serde::{Deserialize, Serialize};

use super::check::{header_name, wrong};
use crate::error::Error;

/// A parameter of the authorization request, under its name in RFC 6749 §4.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationParameter {
    /// `response_type=code`.
    ResponseType,
    /// `client_id`.
    ClientId,
    /// `redirect_uri`.
    RedirectUri,
    /// `scope`; omitted if there is none.
    Scope,
    /// `state`; omitted if the state travels inside the redirect URI.
    State,
}

impl AuthorizationParameter {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResponseType => "response_type",
            Self::ClientId => "client_id",
            Self::RedirectUri => "redirect_uri",
            Self::Scope => "scope",
            Self::State => "state",
        }
    }
}

/// The value of a parameter of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenValue {
    /// `authorization_code` or `refresh_token`.
    GrantType,
    /// The authorization code.
    Code,
    /// The refresh token.
    RefreshToken,
    /// The client id.
    ClientId,
    /// The client's secret.
    ClientSecret,
    /// The redirect URI of the authorization request.
    RedirectUri,
    /// The scope; omitted if there is none.
    Scope,
    /// The PKCE code verifier; omitted if there is none.
    CodeVerifier,
}

const TOKEN_VALUES: [(&str, TokenValue); 8] = [
    ("grant_type", TokenValue::GrantType),
    ("code", TokenValue::Code),
    ("refresh_token", TokenValue::RefreshToken),
    ("client_id", TokenValue::ClientId),
    ("client_secret", TokenValue::ClientSecret),
    ("redirect_uri", TokenValue::RedirectUri),
    ("scope", TokenValue::Scope),
    ("code_verifier", TokenValue::CodeVerifier),
];

impl TokenValue {
    /// Returns its name in RFC 6749 or RFC 7636.
    #[must_use]
    pub fn name(self) -> &'static str {
        TOKEN_VALUES
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(name, _)| name)
    }
}

/// One parameter of a token request: its name and its value.
///
/// In text `"grant_type"` is the value under its standard name, and `"x-grant-type: grant_type"`
/// under another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenParameter {
    /// The name on the wire.
    pub name: String,
    /// The value.
    pub value: TokenValue,
}

impl From<TokenValue> for TokenParameter {
    fn from(value: TokenValue) -> Self {
        let name = value.name().to_owned();
        Self { name, value }
    }
}

impl TryFrom<String> for TokenParameter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, value) = text.split_once(':').unwrap_or((&text, &text));
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            return Err("a parameter's name must not be empty".to_owned());
        }
        let known = TOKEN_VALUES.iter().find(|(known, _)| *known == value);
        let Some((_, value)) = known else {
            let known = TOKEN_VALUES.map(|(name, _)| name).join(", ");
            return Err(format!("unknown value `{value}`: use one of {known}"));
        };
        let name = name.to_owned();
        Ok(Self {
            name,
            value: *value,
        })
    }
}

impl From<TokenParameter> for String {
    fn from(parameter: TokenParameter) -> Self {
        if parameter.name == parameter.value.name() {
            parameter.name
        } else {
            format!("{}: {}", parameter.name, parameter.value.name())
        }
    }
}

/// The place of the token in a revocation or introspection request.
///
/// In text: `{ form = "token" }` or `{ header = "x-token" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlace {
    /// A form field of this name, next to `token_type_hint`, with the client authentication of the
    /// token endpoint (RFC 7009 §2.1).
    Form(String),
    /// This header, with nothing else.
    Header(String),
}

impl TokenPlace {
    /// Checks the name. `field` is the path of this value in the dialect.
    pub(super) fn check(&self, field: &'static str) -> Result<(), Error> {
        match self {
            Self::Form(name) if name.is_empty() => wrong(field, "must name a parameter"),
            Self::Form(_) => Ok(()),
            Self::Header(name) => header_name(field, name),
        }
    }
}

impl Default for TokenPlace {
    fn default() -> Self {
        Self::Form("token".to_owned())
    }
}
