//! Dialects: everything about a provider that data can describe.

mod authorization;
mod check;
mod endpoint;
mod parameter;
mod policy;
mod response;
mod text;
mod token;

pub use authorization::{
    AuthorizationRules, Pkce, RedirectRule, ResponseMode, StateEcho, StatePlace,
};
pub use endpoint::{Endpoint, Method};
pub use parameter::{AuthorizationParameter, TokenParameter, TokenPlace, TokenValue};
pub use policy::{
    OldAccessToken, RateLimitHeaders, RefreshLifetime, RefreshRules, ResourceRules, RevocationReach,
};
pub use response::{ClassName, ErrorRule, ErrorRules, Expiry, Json, ResponseRules};
pub use token::{
    AttachmentMethod, ClientAuthentication, IntrospectionRules, ParameterPlace, RevocationRules,
    RevokedResponse, RevokedToken, TokenRules,
};

use std::time::Duration;

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
/// dialect.api_origins = vec![Origin::parse("https://api.example.com")?];
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
    /// Further origins that take the tokens, in addition to the base or site.
    #[serde(default)]
    pub api_origins: Vec<Origin>,
    /// How a token is attached to a request (RFC 6750 §2).
    #[serde(default)]
    pub attach: AttachmentMethod,
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
        let endpoint = |field, text: &str| {
            text.to_owned()
                .try_into()
                .map_err(|problem: &'static str| Error::Dialect {
                    field,
                    problem: problem.to_owned(),
                })
        };
        let dialect = Self {
            brand: brand.to_owned(),
            base,
            api_origins: Vec::new(),
            attach: AttachmentMethod::default(),
            authorization: AuthorizationRules::new(endpoint(
                "authorization.endpoint",
                authorization_endpoint,
            )?),
            token: TokenRules::new(endpoint("token.endpoint", token_endpoint)?),
            response: ResponseRules::default(),
            errors: ErrorRules::default(),
            refresh: RefreshRules::default(),
            resource: ResourceRules::default(),
            revocation: None,
            introspection: None,
        };
        dialect.check()?;
        Ok(dialect)
    }

    /// Reads a dialect from TOML. Unknown keys are refused.
    ///
    /// # Errors
    /// [`Error::DialectText`] with the line; [`Error::Dialect`] if fields contradict each other.
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
        dialect.check()?;
        Ok(dialect)
    }

    /// Reads a dialect from JSON, with the same fields as in TOML. Unknown keys are refused.
    ///
    /// # Errors
    /// [`Error::DialectText`] with the line; [`Error::Dialect`] if fields contradict each other.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let dialect: Self = text::from_json(json)?;
        dialect.check()?;
        Ok(dialect)
    }

    /// Makes a dialect that follows RFC 6749 and its companions exactly.
    ///
    /// The endpoints are `/authorize`, `/token`, `/revoke` (RFC 7009) and `/introspect` (RFC 7662)
    /// below `base`, with HTTP Basic, PKCE and Bearer. Change the fields in which a provider
    /// differs.
    ///
    /// # Errors
    /// [`Error::Origin`], [`Error::Dialect`].
    pub fn rfc6749(brand: &str, base: &str) -> Result<Self, Error> {
        let mut dialect = Self::new(brand, Some(Origin::parse(base)?), "/authorize", "/token")?;
        let below = |path: &str| Endpoint::Path(path.to_owned());
        dialect.revocation = Some(RevocationRules::new(below("/revoke")));
        dialect.introspection = Some(IntrospectionRules::new(below("/introspect")));
        Ok(dialect)
    }

    /// Makes the dialect of GitHub's OAuth apps.
    ///
    /// Errors come inside a 200, the response names no expiry, and JSON must be requested. Sources:
    /// GitHub's "Authorizing OAuth apps" and "Troubleshooting OAuth app access token request
    /// errors".
    #[must_use]
    pub fn github() -> Self {
        github().expect("the preset is valid, as its test shows")
    }

    /// Returns what happens to the old access token at a refresh.
    #[must_use]
    pub fn old_access_token(&self) -> OldAccessToken {
        self.refresh.old_access_token
    }

    /// Returns how far a revocation reaches beyond the token that it names.
    #[must_use]
    pub fn revocation_reaches(&self) -> RevocationReach {
        self.revocation
            .as_ref()
            .map_or(RevocationReach::Unknown, |r| r.reaches)
    }

    /// Returns whether a response without a refresh token leaves the current one valid.
    #[must_use]
    pub fn keeps_refresh_token_when_absent(&self) -> bool {
        self.refresh.keep_when_absent
    }

    /// Returns how long a refresh token lives.
    #[must_use]
    pub fn refresh_token_lifetime(&self) -> RefreshLifetime {
        self.refresh.lifetime
    }

    /// Returns the share of a refresh token's life after which an idle account is refreshed: above
    /// 0, at most 1.
    #[must_use]
    pub fn keep_alive_share(&self) -> f64 {
        self.refresh.keep_alive_share
    }

    /// Returns how long the provider accepts a redeemed refresh token again, if it does.
    #[must_use]
    pub fn grace(&self) -> Option<Duration> {
        self.refresh.grace_seconds.map(Duration::from_secs)
    }

    /// Returns whether flows use PKCE.
    #[must_use]
    pub fn pkce(&self) -> Pkce {
        self.authorization.pkce
    }

    /// Returns the scope to request unless the registration names one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.authorization.scope.as_deref()
    }

    /// Returns the part of the redirect that has the authorization response.
    #[must_use]
    pub fn response_mode(&self) -> ResponseMode {
        self.authorization.response_mode
    }

    /// Returns whether the redirect returns the state.
    #[must_use]
    pub fn state_echo(&self) -> StateEcho {
        self.authorization.state_echo
    }

    /// Checks that the fields agree and that each is in its range. Reports one mistake per section.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let revocation = self.revocation.as_ref();
        let introspection = self.introspection.as_ref();
        let sections = [
            self.check_brand(),
            self.authorization.check(),
            self.token.check(self.pkce()),
            self.attach.check(),
            self.response.check(),
            self.errors.check(),
            self.refresh.check(),
            self.resource.check(),
            revocation.map_or(Ok(()), RevocationRules::check),
            introspection.map_or(Ok(()), IntrospectionRules::check),
        ];
        Error::collect(Ok(()), sections)
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

fn github() -> Result<Dialect, Error> {
    let base = Origin::parse("https://github.com")?;
    let (authorize, token) = ("/login/oauth/authorize", "/login/oauth/access_token");
    let mut dialect = Dialect::new("github", Some(base), authorize, token)?;
    dialect.api_origins = vec![Origin::parse("https://api.github.com")?];
    dialect.token.accept = Some("application/json".to_owned());
    dialect.token.client_authentication = ClientAuthentication::Parameters;
    dialect.errors.in_success = true;
    dialect.errors.map = vec![
        ErrorRule::new("bad_verification_code", ClassName::Terminal),
        ErrorRule::new("bad_refresh_token", ClassName::Terminal),
        ErrorRule::new("incorrect_client_credentials", ClassName::Configuration),
        ErrorRule::new("redirect_uri_mismatch", ClassName::Configuration),
    ];
    Ok(dialect)
}
