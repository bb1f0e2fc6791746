//! Dialects: everything about a provider that data can describe.

mod accessors;
mod api;
mod authorization;
mod callback;
mod check;
mod device;
mod endpoint;
mod parameter;
mod placeholders;
mod policy;
mod response;
mod revocation;
mod template;
mod text;
mod token;
mod values;

pub use api::{ApiOriginRule, AttachmentMethod, LoginOriginRule};
pub use authorization::{
    AuthorizationRules, Pkce, RedirectRule, ResponseMode, StateEcho, StatePlace,
};
pub use callback::CallbackNames;
pub(crate) use device::DEVICE_PARAMETERS;
pub use device::DeviceRules;
pub use endpoint::{Endpoint, Method};
pub use parameter::{
    AuthorizationParameter, AuthorizationValue, TokenParameter, TokenPlace, TokenValue,
};
pub use policy::{
    OldAccessToken, RateLimitHeaders, RefreshLifetime, RefreshRules, ResourceRules, RevocationReach,
};
pub use response::{ClassName, ErrorRule, ErrorRules, Expiry, Json, ResponseRules};
pub use revocation::{IntrospectionRules, RevocationRules, RevokedResponse, RevokedToken};
pub use template::Template;
pub(crate) use template::{Piece, Place};
pub use token::{ClientAuthentication, ParameterPlace, TokenRules};
pub use values::{ValuePattern, ValueRules};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::check::wrong;
use crate::{error::Error, origin::Origin};

/// A provider as data: its endpoints, their parameters and the meaning of their responses.
///
/// Every default is what RFC 6749 and its companions say, so a dialect names only what differs:
///
/// ```
/// use tokenkeeper_protocol::{ClientAuthentication, Dialect, Origin, Registration};
///
/// let base = Origin::parse("https://login.example.com")?;
/// let mut dialect = Dialect::new("example", Some(base), "/oauth2/authorize", "/oauth2/token")?;
/// dialect.api_origins = vec![Origin::parse("https://api.example.com")?.into()];
/// dialect.authorization.scope = Some("contacts.read".to_owned());
/// dialect.token.client_authentication = ClientAuthentication::Parameters;
/// let client = dialect.with(
///     Registration::new("my-client", "https://app.example/callback").secret("s3cr3t"),
/// )?;
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Dialect {
    /// The provider's short name, part of every account's key: lower-case letters, digits and `-`.
    pub brand: String,
    /// The origin of the endpoints' paths, which also takes the tokens. `None`: each tenant has
    /// its own site.
    #[serde(default)]
    pub base: Option<Origin>,
    /// The form of the tenants' sites: an https origin with placeholders, in place of `base`.
    /// `None`: a tenant's site can be any that the [`SitePolicy`](crate::SitePolicy) allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Template>,
    /// The values that placeholders stand for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, ValueRules>,
    /// Further origins that take the tokens, in addition to the base or site.
    #[serde(default)]
    pub api_origins: Vec<ApiOriginRule>,
    /// Further origins that take the tokens and are known only from a login.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_origins_from: Vec<LoginOriginRule>,
    /// How a token is attached to a request (RFC 6750 §2).
    #[serde(default)]
    pub attach: AttachmentMethod,
    /// Constant headers of requests to the API. One that the request has already stays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub api_headers: BTreeMap<String, Template>,
    /// The authorization request and its redirect (RFC 6749 §4.1.1, §4.1.2).
    pub authorization: AuthorizationRules,
    /// The token request (RFC 6749 §4.1.3, §6).
    pub token: TokenRules,
    /// The response to a token request (RFC 6749 §5.1).
    #[serde(default)]
    pub response: ResponseRules,
    /// The error response to a token request (RFC 6749 §5.2).
    #[serde(default)]
    pub errors: ErrorRules,
    /// What happens to tokens at a refresh.
    #[serde(default)]
    pub refresh: RefreshRules,
    /// What the API's responses say about the token.
    #[serde(default)]
    pub resource: ResourceRules,
    /// How a device asks for codes (RFC 8628). `None`: the provider has no login by device code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceRules>,
    /// How a token is revoked (RFC 7009). `None`: the provider has no revocation.
    #[serde(default)]
    pub revocation: Option<RevocationRules>,
    /// How a token is introspected (RFC 7662). `None`: the provider has no introspection.
    #[serde(default)]
    pub introspection: Option<IntrospectionRules>,
}

impl Dialect {
    /// Makes a dialect with these endpoints and the defaults of the RFCs.
    ///
    /// An endpoint is a path below `base`, or a URL.
    ///
    /// # Errors
    /// [`Error::Dialect`] if the brand or an endpoint cannot be used.
    pub fn new(
        brand: &str,
        base: Option<Origin>,
        authorization_endpoint: &str,
        token_endpoint: &str,
    ) -> Result<Self, Error> {
        let endpoint = |field: &str, text: &str| {
            text.to_owned()
                .try_into()
                .or_else(|problem: &'static str| wrong(field, problem))
        };
        let dialect = Self {
            brand: brand.to_owned(),
            base,
            site: None,
            values: BTreeMap::new(),
            api_origins: Vec::new(),
            api_origins_from: Vec::new(),
            attach: AttachmentMethod::default(),
            api_headers: BTreeMap::new(),
            authorization: AuthorizationRules::new(endpoint(
                "authorization.endpoint",
                authorization_endpoint,
            )?),
            token: TokenRules::new(endpoint("token.endpoint", token_endpoint)?),
            response: ResponseRules::default(),
            errors: ErrorRules::default(),
            refresh: RefreshRules::default(),
            resource: ResourceRules::default(),
            device: None,
            revocation: None,
            introspection: None,
        };
        dialect.check()?;
        Ok(dialect)
    }

    /// Reads a dialect from TOML. Unknown keys are refused.
    ///
    /// # Errors
    /// [`Error::DialectText`], or [`Error::Dialect`] if fields contradict each other; both name the
    /// line.
    ///
    /// # Examples
    /// ```
    /// let dialect = tokenkeeper_protocol::Dialect::from_toml(
    ///     r#"
    ///     brand = "example"
    ///     base = "https://login.example.com"
    ///     api_origins = ["https://api.example.com"]
    ///
    ///     [authorization]
    ///     endpoint = "/oauth2/authorize"
    ///     scope = "contacts.read"
    ///
    ///     [token]
    ///     endpoint = "/oauth2/token"
    ///     client_authentication = "parameters"
    ///     "#,
    /// )?;
    /// # Ok::<(), tokenkeeper_protocol::Error>(())
    /// ```
    #[cfg(feature = "toml")]
    pub fn from_toml(toml: &str) -> Result<Self, Error> {
        let dialect: Self = text::from_toml(toml)?;
        dialect
            .check_as_written()
            .map_err(|error| text::locate(error, toml))?;
        Ok(dialect)
    }

    /// Reads a dialect from JSON, with the same fields as in TOML. Unknown keys are refused.
    ///
    /// # Errors
    /// [`Error::DialectText`] with the line; [`Error::Dialect`] if fields contradict each other.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let dialect: Self = text::from_json(json)?;
        dialect.check_as_written()?;
        Ok(dialect)
    }

    /// Makes a dialect that follows RFC 6749 and its companions exactly.
    ///
    /// The endpoints are `/authorize`, `/token`, `/device_authorization` (RFC 8628), `/revoke`
    /// (RFC 7009) and `/introspect` (RFC 7662) below `base`, with HTTP Basic, PKCE and Bearer.
    /// Change the fields in which a provider differs.
    ///
    /// # Errors
    /// [`Error::Origin`], [`Error::Dialect`].
    pub fn rfc6749(brand: &str, base: &str) -> Result<Self, Error> {
        let mut dialect = Self::new(brand, Some(Origin::parse(base)?), "/authorize", "/token")?;
        let below = |path: &str| Endpoint::Path(path.to_owned());
        dialect.device = Some(DeviceRules::new(below("/device_authorization")));
        dialect.revocation = Some(RevocationRules::new(below("/revoke")));
        dialect.introspection = Some(IntrospectionRules::new(below("/introspect")));
        Ok(dialect)
    }

    /// Checks a dialect as its text has it, before anything is overridden.
    fn check_as_written(&self) -> Result<(), Error> {
        let site = match (&self.base, &self.site) {
            (Some(_), Some(_)) => wrong("site", "must not be next to `base`: remove one of them"),
            _ => Ok(()),
        };
        Error::collect(Ok(()), [site, self.check()])
    }

    /// Checks that the fields agree and that each is in its range. Reports one mistake per section.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let device = self.device.as_ref();
        let revocation = self.revocation.as_ref();
        let introspection = self.introspection.as_ref();
        let sections = [
            self.check_brand(),
            self.authorization.check(),
            self.token.check(self.pkce()),
            self.attach.check(),
            api::check_headers(&self.api_headers, &self.attach),
            self.check_login_origins(),
            placeholders::check(self),
            self.response.check(&self.attach),
            self.errors.check(),
            self.refresh.check(),
            self.resource.check(),
            device.map_or(Ok(()), |rules| rules.check(self.token.placement)),
            revocation.map_or(Ok(()), RevocationRules::check),
            introspection.map_or(Ok(()), IntrospectionRules::check),
        ];
        Error::collect(Ok(()), sections)
    }

    fn check_login_origins(&self) -> Result<(), Error> {
        let mut rules = self.api_origins_from.iter().enumerate();
        rules.try_for_each(|(at, rule)| rule.check(at, self))
    }

    fn check_brand(&self) -> Result<(), Error> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let brand = &self.brand;
        if brand.is_empty() || brand.len() > 64 || !brand.bytes().all(plain) {
            return wrong(
                "brand",
                "must hold 1 to 64 lower-case letters, digits and `-`",
            );
        }
        Ok(())
    }
}
