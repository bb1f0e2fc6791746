//! The authorization request and the redirect that answers it.

mod check;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{
    callback::CallbackNames,
    endpoint::Endpoint,
    parameter::{AuthorizationParameter, AuthorizationValue},
    template::Template,
};

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
    /// Further parameters with fixed values, after the others. Those of the same name in a
    /// request replace them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixed: BTreeMap<String, Template>,
    /// The scope to request unless the registration names one.
    #[serde(default)]
    pub scope: Option<String>,
    /// The separator of scopes in requests. The registration's are separated by spaces anyway.
    #[serde(default = "space", skip_serializing_if = "is_space")]
    pub scope_separator: String,
    /// The names of further scope parameters, with what they request unless
    /// [`Registration::further_scope`](crate::Registration::further_scope) names something. An
    /// empty one is omitted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub further_scopes: BTreeMap<String, String>,
    /// The fragment of the URL, in which the parameters follow behind a `?`: for authorization
    /// pages that are applications in the browser. `None`: the parameters are in the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<String>,
    /// The place of the state.
    #[serde(default)]
    pub state: StatePlace,
    /// Whether the redirect returns a top-level state.
    #[serde(default)]
    pub state_echo: StateEcho,
    /// The part of the redirect that has the authorization response.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// The names of the redirect's parameters.
    #[serde(default, skip_serializing_if = "CallbackNames::is_default")]
    pub callback: CallbackNames,
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
            fixed: BTreeMap::new(),
            scope: None,
            scope_separator: space(),
            further_scopes: BTreeMap::new(),
            fragment: None,
            state: StatePlace::default(),
            state_echo: StateEcho::default(),
            response_mode: ResponseMode::default(),
            callback: CallbackNames::default(),
            redirect_rule: RedirectRule::default(),
            pkce: Pkce::default(),
            issuer: None,
        }
    }

    /// Returns whether a parameter of the redirect has a meaning of OAuth's.
    pub(super) fn is_of_response(&self, name: &str) -> bool {
        let own = self.callback.all();
        let standard = ["code", "state", "error"];
        own.contains(&name)
            || standard.contains(&name)
            || self.state.in_redirect_uri() == Some(name)
    }

    /// Returns whether the list of parameters has this value.
    fn lists(&self, value: AuthorizationValue) -> bool {
        self.parameters.iter().any(|p| p.value == value)
    }

    /// Returns whether a parameter with a value of the flow has this name.
    pub(crate) fn sends(&self, name: &str) -> bool {
        let standard = || AuthorizationValue::ALL.iter().any(|own| own.name() == name);
        let pkce = ["code_challenge", "code_challenge_method"].contains(&name);
        let form_post = self.response_mode == ResponseMode::FormPost && name == "response_mode";
        match self.parameters.as_slice() {
            _ if pkce || form_post => true,
            [] => standard(),
            listed => listed.iter().any(|p| p.name == name),
        }
    }

    /// Sends the state as the parameter `state` too, next to the one inside the redirect URI.
    ///
    /// Changes nothing if the state already travels as a parameter.
    pub fn send_top_level_state(&mut self) {
        if let StatePlace::RedirectUri(name) = &self.state {
            self.state = StatePlace::Both(name.clone());
            if !self.parameters.is_empty() {
                self.parameters.push(AuthorizationValue::State.into());
            }
        }
    }

    /// Returns a scope with the provider's separator.
    pub(crate) fn separate<'s>(&self, scope: &'s str) -> Cow<'s, str> {
        if is_space(&self.scope_separator) {
            scope.into()
        } else {
            scope.replace(' ', &self.scope_separator).into()
        }
    }
}

fn space() -> String {
    " ".to_owned()
}

fn is_space(separator: &str) -> bool {
    separator == " "
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
    /// Never: a returned one is ignored, and the person confirms each login.
    Never,
    /// Not documented: a returned one must match. Without one the person confirms the login, unless
    /// the site has returned one before: then the redirect is refused.
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
    /// The body of a form that the authorization page posts (OAuth 2.0 Form Post Response Mode).
    /// The authorization request has `response_mode=form_post`.
    FormPost,
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
