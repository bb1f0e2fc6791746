//! The authorization request and the redirect that answers it.

use serde::{Deserialize, Serialize};

use super::{
    check::{repeats, wrong},
    endpoint::Endpoint,
    parameter::AuthorizationParameter,
};
use crate::error::Error;

/// The authorization request and the redirect that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthorizationRules {
    /// The authorization endpoint.
    pub endpoint: Endpoint,
    /// The parameters, in order. Empty: all five, in the order of RFC 6749 §4.1.1. PKCE's two come
    /// last.
    #[serde(default)]
    pub parameters: Vec<AuthorizationParameter>,
    /// The scope to request unless the registration names one.
    #[serde(default)]
    pub scope: Option<String>,
    /// The place of the state.
    #[serde(default)]
    pub state: StatePlace,
    /// Whether the redirect returns a top-level state.
    #[serde(default)]
    pub state_echo: StateEcho,
    /// The part of the redirect that has the authorization response.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// How the redirect URI that is sent relates to the registered one.
    #[serde(default)]
    pub redirect_rule: RedirectRule,
    /// Whether flows use PKCE (RFC 7636).
    #[serde(default)]
    pub pkce: Pkce,
    /// The issuer that `iss` in a redirect must equal (RFC 9207). `None`: `iss` is ignored.
    #[serde(default)]
    pub issuer: Option<String>,
}

impl AuthorizationRules {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            parameters: Vec::new(),
            scope: None,
            state: StatePlace::default(),
            state_echo: StateEcho::default(),
            response_mode: ResponseMode::default(),
            redirect_rule: RedirectRule::default(),
            pkce: Pkce::default(),
            issuer: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        use AuthorizationParameter::{ClientId, RedirectUri, ResponseType, State};
        if let Some(asked) = &self.scope
            && self.check_scope(asked).is_err()
        {
            return wrong(
                "authorization.scope",
                "must be listed in `parameters`, and be visible ASCII with single spaces",
            );
        }
        let listed = &self.parameters;
        if !listed.is_empty() {
            if [ResponseType, ClientId, RedirectUri]
                .iter()
                .any(|needed| !listed.contains(needed))
            {
                return wrong(
                    "authorization.parameters",
                    "must list response_type, client_id and redirect_uri",
                );
            }
            if self.state.is_parameter() != listed.contains(&State) {
                return wrong(
                    "authorization.parameters",
                    "must list `state` if `authorization.state` is a parameter, and only then",
                );
            }
            if repeats(listed.iter()) {
                return wrong(
                    "authorization.parameters",
                    "must not list a parameter twice",
                );
            }
        }
        match self.state.in_redirect_uri() {
            Some("" | "code" | "error" | "state" | "iss") => wrong(
                "authorization.state",
                "must have another name in the redirect URI: the provider adds this one",
            ),
            Some(_) if self.redirect_rule != RedirectRule::ExtraQuery => wrong(
                "authorization.redirect_rule",
                "must be `extra_query` if the redirect URI carries the state",
            ),
            _ => Ok(()),
        }
    }

    /// Sends the state as the parameter `state` too, next to the one inside the redirect URI.
    ///
    /// Changes nothing if the state already travels as a parameter.
    pub fn send_top_level_state(&mut self) {
        if let StatePlace::RedirectUri(name) = &self.state {
            self.state = StatePlace::Both(name.clone());
            if !self.parameters.is_empty() {
                self.parameters.push(AuthorizationParameter::State);
            }
        }
    }

    /// Checks that the provider takes a scope, and that this one has the form of RFC 6749 §3.3:
    /// tokens of visible ASCII without quotes and backslash, separated by single spaces.
    pub(crate) fn check_scope(&self, scope: &str) -> Result<(), Error> {
        let listed = &self.parameters;
        if !listed.is_empty() && !listed.contains(&AuthorizationParameter::Scope) {
            return Err(Error::Scope {
                problem: "is not a parameter of this provider: remove it",
            });
        }
        let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        let words = scope
            .split(' ')
            .all(|word| !word.is_empty() && word.bytes().all(sane));
        if words {
            return Ok(());
        }
        Err(Error::Scope {
            problem: "must be visible ASCII without quotes and backslash, with single spaces",
        })
    }
}

/// The place of the state.
///
/// In text: `"parameter"`, `{ redirect_uri = "flow" }` or `{ both = "flow" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatePlace {
    /// The top-level parameter `state` (RFC 6749 §4.1.1).
    #[default]
    Parameter,
    /// A parameter of this name in the redirect URI's query: for providers that have no `state` but
    /// keep the query.
    RedirectUri(String),
    /// Both. The one in the redirect URI must come back, the top-level one as [`StateEcho`] says.
    Both(String),
}

impl StatePlace {
    pub(crate) fn in_redirect_uri(&self) -> Option<&str> {
        match self {
            Self::Parameter => None,
            Self::RedirectUri(name) | Self::Both(name) => Some(name),
        }
    }

    pub(crate) fn is_parameter(&self) -> bool {
        !matches!(self, Self::RedirectUri(_))
    }
}

/// Whether the redirect returns a top-level `state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateEcho {
    /// Always, as RFC 6749 §4.1.2 requires: a redirect without it is refused.
    #[default]
    Always,
    /// Never: a returned one is ignored, and the application binds the redirect by other means.
    Never,
    /// Not documented: a returned one must match, and the application also binds the redirect by
    /// other means.
    Unknown,
}

/// The part of the redirect that has the authorization response: its `response_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// The query (RFC 6749 §4.1.2), form-encoded.
    #[default]
    Query,
    /// The fragment, which never reaches a server; `+` stands for itself.
    Fragment,
}

/// How the redirect URI that is sent relates to the registered one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectRule {
    /// It is equal (RFC 9700 §2.1).
    #[default]
    Exact,
    /// It may have further query parameters; scheme, host, port and path are equal.
    ExtraQuery,
}

/// Whether flows use PKCE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// Flows do not use PKCE.
    Off,
    /// Flows use the method `S256` (RFC 7636 §4.2, RFC 9700 §2.1.1).
    #[default]
    S256,
}
