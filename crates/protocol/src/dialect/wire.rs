//! What goes over the wire to and from the authorization and token endpoints.

use serde::{Deserialize, Serialize};

use super::{AuthorizationParameter, Endpoint, Method, Reach, TokenParameter, TokenPlace};
use crate::{Class, GrantKind};

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
    pub redirect: Channel,
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
            redirect: Channel::default(),
            redirect_rule: RedirectRule::default(),
            pkce: Pkce::default(),
            issuer: None,
        }
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
pub enum Channel {
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

/// The answer to a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResponseRules {
    /// Which texts count as JSON.
    pub json: Json,
    /// The field with the expiry. Default: `expires_in`.
    pub expiry_field: String,
    /// What that field counts. Default: seconds from when the request was sent.
    pub expiry: Expiry,
}

impl Default for ResponseRules {
    fn default() -> Self {
        Self {
            json: Json::default(),
            expiry_field: "expires_in".to_owned(),
            expiry: Expiry::default(),
        }
    }
}

/// Which texts count as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Json {
    /// JSON (RFC 8259).
    #[default]
    Strict,
    /// JSON, and where it is not, one flat object whose keys may stand without quotes.
    Loose,
}

/// What the expiry's field counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Seconds from when the request was sent (RFC 6749 §5.1).
    #[default]
    Seconds,
    /// Milliseconds from when the request was sent.
    Milliseconds,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
}

/// The refusal of a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ErrorRules {
    /// The fields that may hold the error's code; the first one that is there counts. Default: `error`.
    pub code: Vec<String>,
    /// The fields whose texts a rule may look into. Default: `error_description`.
    pub text: Vec<String>,
    /// Whether a 200 may hold an error. Default: no.
    pub in_success: bool,
    /// What means which class. The first rule that fits counts; after them come the built-in defaults.
    pub map: Vec<ErrorRule>,
}

impl Default for ErrorRules {
    fn default() -> Self {
        Self {
            code: vec!["error".to_owned()],
            text: vec!["error_description".to_owned()],
            in_success: false,
            map: Vec::new(),
        }
    }
}

/// One line of the map from refusals to classes: fits where everything that it names fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRule {
    /// At which grant. `None`: at both.
    #[serde(default)]
    pub grant: Option<GrantKind>,
    /// With which status.
    #[serde(default)]
    pub status: Option<u16>,
    /// With which error code.
    #[serde(default)]
    pub error: Option<String>,
    /// With which words in one of the error's texts, without regard to case.
    #[serde(default)]
    pub text: Option<String>,
    /// What it means.
    pub class: ClassName,
}

/// A [`Class`] by name, without its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassName {
    /// [`Class::Transient`].
    Transient,
    /// [`Class::Ambiguous`].
    Ambiguous,
    /// [`Class::Terminal`].
    Terminal,
    /// [`Class::Unexplained`].
    Unexplained,
    /// [`Class::Configuration`].
    Configuration,
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

impl ErrorRule {
    /// A rule for this error code, at any grant and status.
    #[must_use]
    pub fn new(error: &str, class: ClassName) -> Self {
        let error = Some(error.to_owned());
        Self {
            grant: None,
            status: None,
            error,
            text: None,
            class,
        }
    }
}

impl ClassName {
    pub(crate) fn class(self, retry_after: Option<std::time::Duration>) -> Class {
        match self {
            Self::Transient => Class::Transient { retry_after },
            Self::Ambiguous => Class::Ambiguous,
            Self::Terminal => Class::Terminal,
            Self::Unexplained => Class::Unexplained,
            Self::Configuration => Class::Configuration,
        }
    }
}
