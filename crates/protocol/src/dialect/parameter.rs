//! The parameters of requests: names, order and places.

use serde::{Deserialize, Serialize};

use super::{
    check::{value_header, wrong},
    endpoint::Method,
};
use crate::error::Error;

/// The value of a parameter of the authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationValue {
    /// `code`.
    ResponseType,
    /// The client id.
    ClientId,
    /// The redirect URI.
    RedirectUri,
    /// The scope; omitted if there is none.
    Scope,
    /// The state; omitted if it travels inside the redirect URI.
    State,
}

const AUTHORIZATION_VALUES: [(&str, AuthorizationValue); 5] = [
    ("response_type", AuthorizationValue::ResponseType),
    ("client_id", AuthorizationValue::ClientId),
    ("redirect_uri", AuthorizationValue::RedirectUri),
    ("scope", AuthorizationValue::Scope),
    ("state", AuthorizationValue::State),
];

impl AuthorizationValue {
    /// All values, in the order of RFC 6749 §4.1.1.
    pub(crate) const ALL: [Self; 5] = [
        Self::ResponseType,
        Self::ClientId,
        Self::RedirectUri,
        Self::Scope,
        Self::State,
    ];

    /// Returns its name in RFC 6749 §4.1.1.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&AUTHORIZATION_VALUES, self)
    }
}

/// One parameter of the authorization request: its name and its value.
///
/// In text `"client_id"` is the value under its name in RFC 6749, and `"client_key: client_id"`
/// under another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorizationParameter {
    /// The name on the wire.
    pub name: String,
    /// The value.
    pub value: AuthorizationValue,
}

impl From<AuthorizationValue> for AuthorizationParameter {
    fn from(value: AuthorizationValue) -> Self {
        let name = value.name().to_owned();
        Self { name, value }
    }
}

impl TryFrom<String> for AuthorizationParameter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, value) = read(&AUTHORIZATION_VALUES, &text)?;
        Ok(Self { name, value })
    }
}

impl From<AuthorizationParameter> for String {
    fn from(parameter: AuthorizationParameter) -> Self {
        write(parameter.name, parameter.value.name())
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
        name_of(&TOKEN_VALUES, self)
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
        let (name, value) = read(&TOKEN_VALUES, &text)?;
        Ok(Self { name, value })
    }
}

impl From<TokenParameter> for String {
    fn from(parameter: TokenParameter) -> Self {
        write(parameter.name, parameter.value.name())
    }
}

fn name_of<V: PartialEq>(known: &[(&'static str, V)], value: V) -> &'static str {
    let found = known.iter().find(|(_, own)| *own == value);
    found.map_or("", |(name, _)| name)
}

/// Reads `value` or `name: value`.
fn read<V: Copy>(known: &[(&str, V)], text: &str) -> Result<(String, V), String> {
    let (name, value) = text.split_once(':').unwrap_or((text, text));
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err("a parameter's name must not be empty".to_owned());
    }
    match known.iter().find(|(own, _)| *own == value) {
        Some((_, value)) => Ok((name.to_owned(), *value)),
        None => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            Err(format!("unknown value `{value}`: use one of {names}"))
        }
    }
}

fn write(name: String, value: &str) -> String {
    if name == value {
        name
    } else {
        format!("{name}: {value}")
    }
}

/// The place of the token in a revocation or introspection request.
///
/// In text: `{ form = "token" }`, `{ json = "token" }`, `"bearer"` or `{ header = "x-token" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlace {
    /// A form field of this name, next to `token_type_hint`, with the client authentication of the
    /// token endpoint (RFC 7009 §2.1).
    Form(String),
    /// A member of this name of a JSON object, with the client authentication of the token endpoint
    /// and without a hint.
    Json(String),
    /// `Authorization: Bearer …`, with nothing else.
    Bearer,
    /// This header, with nothing else.
    Header(String),
}

impl TokenPlace {
    /// Checks the name and that a request of this method can have the place. `section` is the table
    /// of this value.
    pub(super) fn check(&self, section: &str, method: Method) -> Result<(), Error> {
        let field = format!("{section}.token");
        match self {
            Self::Form(_) | Self::Json(_) if method == Method::Get => wrong(
                format!("{section}.method"),
                "must be `post` for a token in the body: a GET has none (RFC 9110 §9.3.1)",
            ),
            Self::Form(name) | Self::Json(name) if name.is_empty() => {
                wrong(field, "must name a parameter")
            }
            Self::Form(name) | Self::Json(name) if OTHERS.contains(&name.as_str()) => wrong(
                field,
                "is the name of another parameter of the request: name another one",
            ),
            Self::Form(_) | Self::Json(_) | Self::Bearer => Ok(()),
            Self::Header(name) => value_header(&field, name).map(drop),
        }
    }
}

/// The parameters next to the token in a revocation or introspection request.
const OTHERS: [&str; 3] = ["client_id", "client_secret", "token_type_hint"];

impl Default for TokenPlace {
    fn default() -> Self {
        Self::Form("token".to_owned())
    }
}
