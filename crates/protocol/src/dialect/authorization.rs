//! The authorization request and its redirect.

use serde::{Deserialize, Serialize};

use super::{
    check::{repeats, wrong},
    endpoint::Endpoint,
    parameter::AuthorizationParameter,
};
use crate::error::Error;

/// The authorization request and its redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthorizationRules {
    /// Where the person is sent.
    pub endpoint: Endpoint,
    /// Which parameters are sent, in this order. Empty: all five, in the order of RFC 6749 §4.1.1. PKCE's two come last.
    #[serde(default)]
    pub parameters: Vec<AuthorizationParameter>,
    /// The scope to ask for unless the registration names one.
    #[serde(default)]
    pub scope: Option<String>,
    /// Where the state travels.
    #[serde(default)]
    pub state: StatePlace,
    /// Whether a top-level state comes back.
    #[serde(default)]
    pub state_echo: StateEcho,
    /// Where in the redirect the code comes.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// How the redirect URI that is sent relates to the registered one.
    #[serde(default)]
    pub redirect_rule: RedirectRule,
    /// Whether flows use PKCE (RFC 7636).
    #[serde(default)]
    pub pkce: Pkce,
    /// The issuer that `iss` in a redirect has to equal (RFC 9207). `None`: `iss` has no meaning here.
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
                "is listed in `parameters`, and visible ASCII with single spaces",
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
                    "lists response_type, client_id and redirect_uri",
                );
            }
            if self.state.is_parameter() != listed.contains(&State) {
                return wrong(
                    "authorization.parameters",
                    "lists `state` exactly where `authorization.state` says parameter",
                );
            }
            if repeats(listed.iter()) {
                return wrong("authorization.parameters", "lists nothing twice");
            }
        }
        match self.state.in_redirect_uri() {
            Some("" | "code" | "error" | "state" | "iss") => wrong(
                "authorization.state",
                "needs a name of its own in the redirect URI",
            ),
            Some(_) if self.redirect_rule != RedirectRule::ExtraQuery => wrong(
                "authorization.redirect_rule",
                "is `extra_query` where the redirect URI carries the state",
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
    /// tokens of visible ASCII without quotes and backslash, with single spaces between.
    pub(crate) fn check_scope(&self, scope: &str) -> Result<(), Error> {
        let listed = &self.parameters;
        if !listed.is_empty() && !listed.contains(&AuthorizationParameter::Scope) {
            return Err(Error::Scope {
                problem: "is not something that this provider takes: leave it out",
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
            problem: "holds visible ASCII without quotes and backslash, with single spaces between",
        })
    }
}

/// Where the state travels. In text: `"parameter"`, `{ redirect_uri = "flow" }` or `{ both = "flow" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatePlace {
    /// As the top-level parameter `state` (RFC 6749 §4.1.1).
    #[default]
    Parameter,
    /// Inside the redirect URI's query, under this name: for providers that know no `state` but keep the query.
    RedirectUri(String),
    /// Both: the one in the redirect URI has to come back, the top-level one as [`StateEcho`] says.
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

/// Whether the redirect brings a top-level `state` back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateEcho {
    /// Always, as RFC 6749 §4.1.2 demands: a redirect without it is refused.
    #[default]
    Always,
    /// Never: one that comes is ignored, and the application binds the redirect to its flow by other means.
    Never,
    /// Not documented: if it comes it has to match, and the application binds the redirect by other means besides.
    Unknown,
}

/// Where in the redirect the code comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query (RFC 6749 §4.1.2), form-encoded.
    #[default]
    Query,
    /// In the fragment, which never reaches a server; `+` stands for itself.
    Fragment,
}

/// How the redirect URI that is sent relates to the registered one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectRule {
    /// It is the same (RFC 9700 §2.1).
    #[default]
    Exact,
    /// It may have further query parameters; scheme, host, port and path are the same.
    ExtraQuery,
}

/// Whether flows use PKCE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// No.
    Off,
    /// With the method `S256` (RFC 7636 §4.2, RFC 9700 §2.1.1).
    #[default]
    S256,
}
