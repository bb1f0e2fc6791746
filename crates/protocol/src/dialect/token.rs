//! Requests to the token endpoint.

use std::collections::BTreeMap;

use http::{
    HeaderName, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};

use super::{
    api::check_constant_headers,
    authorization::Pkce,
    check::{header_name, repeats, wrong},
    endpoint::Endpoint,
    parameter::{TokenParameter, TokenValue},
    template::Template,
};
use crate::error::Error;

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

    pub(super) fn check(&self, pkce: Pkce) -> Result<(), Error> {
        for request in self.requests() {
            self.check_parameters(&request)?;
            self.check_fixed(&request)?;
        }
        let names_verifier = self
            .code
            .iter()
            .any(|p| p.value == TokenValue::CodeVerifier);
        if self.placement == ParameterPlace::Headers && pkce == Pkce::S256 && !names_verifier {
            return wrong(
                "token.code",
                "must name a header for code_verifier unless `authorization.pkce` is `off`",
            );
        }
        self.check_content_type()?;
        let accept = self.accept.as_deref();
        if accept.is_some_and(|value| HeaderValue::from_str(value).is_err()) {
            return wrong("token.accept", "must be a valid header value");
        }
        self.check_headers()
    }

    /// Returns what differs between a code exchange and a refresh.
    fn requests(&self) -> [RequestRules<'_>; 2] {
        [
            RequestRules {
                section: "token.code",
                list: &self.code,
                own: TokenValue::Code,
                other: TokenValue::RefreshToken,
                authentication: self.client_authentication,
                fixed: &self.code_fixed,
            },
            RequestRules {
                section: "token.refresh",
                list: &self.refresh,
                own: TokenValue::RefreshToken,
                other: TokenValue::Code,
                authentication: self.refresh_authentication(),
                fixed: &self.refresh_fixed,
            },
        ]
    }

    fn check_parameters(&self, request: &RequestRules<'_>) -> Result<(), Error> {
        let (field, list) = (request.section, request.list);
        let has = |value| list.iter().any(|parameter| parameter.value == value);
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
            return Ok(());
        }
        if repeats(list.iter().map(|parameter| &parameter.name)) {
            return wrong(field, "must not list a name twice");
        }
        if !has(request.own) || has(request.other) {
            return wrong(
                field,
                "must list the grant's code or refresh token, and not the other one",
            );
        }
        let authentication = request.authentication;
        if has(TokenValue::ClientSecret) != (authentication == ClientAuthentication::Parameters) {
            return wrong(
                field,
                "must list client_secret exactly if the client authenticates by `parameters`",
            );
        }
        if !authentication.is_header() && !has(TokenValue::ClientId) {
            return wrong(
                field,
                "must list client_id unless the client authenticates in a header",
            );
        }
        Ok(())
    }

    /// Checks the names of the fixed parameters.
    fn check_fixed(&self, request: &RequestRules<'_>) -> Result<(), Error> {
        let standard = [
            request.own,
            TokenValue::GrantType,
            TokenValue::ClientId,
            TokenValue::ClientSecret,
            TokenValue::RedirectUri,
            TokenValue::CodeVerifier,
        ];
        let section = format!("{}_fixed", request.section);
        let all = self.fixed.keys().map(|name| ("token.fixed", name));
        let own = request.fixed.keys().map(|name| (section.as_str(), name));
        for (section, name) in all.chain(own) {
            let field = format!("{section}.{name}");
            // A list says what is sent; without one it is what the RFC names.
            let taken = if request.list.is_empty() {
                standard.iter().any(|value| value.name() == name)
            } else {
                request.list.iter().any(|parameter| parameter.name == *name)
            };
            if name.is_empty() || taken {
                return wrong(field, "is the name of another parameter of the request");
            }
            if self.placement == ParameterPlace::Headers {
                header_name(&field, name)?;
            }
        }
        match request
            .fixed
            .keys()
            .find(|name| self.fixed.contains_key(*name))
        {
            Some(name) => wrong(format!("{section}.{name}"), "is in `token.fixed` already"),
            None => Ok(()),
        }
    }

    fn check_content_type(&self) -> Result<(), Error> {
        let Some(content_type) = self.content_type.as_deref() else {
            return Ok(());
        };
        let field = "token.content_type";
        if HeaderValue::from_str(content_type).is_err() {
            return wrong(field, "must be a valid header value");
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let is_json =
            essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json");
        match self.placement {
            ParameterPlace::Form if is_json => wrong(
                field,
                "must be that of a form: for a JSON body write `placement = \"json\"`",
            ),
            ParameterPlace::Form if !essence.eq_ignore_ascii_case(ParameterPlace::FORM) => {
                wrong(field, "must be that of a form if `placement` is `form`")
            }
            ParameterPlace::Json if !is_json => {
                wrong(field, "must be that of JSON if `placement` is `json`")
            }
            _ => Ok(()),
        }
    }

    fn check_headers(&self) -> Result<(), Error> {
        let mut taken = vec![ACCEPT, CONTENT_TYPE];
        if self.placement == ParameterPlace::Headers {
            let names = self.code.iter().chain(&self.refresh).map(|p| &p.name);
            let fixed = [&self.fixed, &self.code_fixed, &self.refresh_fixed];
            let names = names.chain(fixed.into_iter().flat_map(BTreeMap::keys));
            taken.extend(names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()));
        }
        check_constant_headers("token.headers", &self.headers, &taken)
    }
}

/// What differs between a code exchange and a refresh.
struct RequestRules<'a> {
    section: &'static str,
    list: &'a [TokenParameter],
    own: TokenValue,
    other: TokenValue,
    authentication: ClientAuthentication,
    fixed: &'a BTreeMap<String, Template>,
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
