//! A dialect with a registration: a provider that can be used.

use bytes::Bytes;
use http::{HeaderMap, Response, Uri};
use std::time::SystemTime;
use url::Url;

use crate::{
    address::AddressPolicy,
    attachment::ApiHeaders,
    body, classification,
    dialect::Dialect,
    error::Error,
    grant::GrantType,
    origin::Origin,
    rate_limit::{self, RateLimit},
    redirect::RedirectError,
    redirect_uri::{self, RedirectUri},
    refusal::Refusal,
    registration::Registration,
    site,
    site_policy::SitePolicy,
    values::Values,
};

/// A dialect with a registration and, if each tenant has its own site, the policy for sites.
///
/// Every value of a client has been checked.
///
/// ```
/// use tokenkeeper_protocol::{Client, Dialect, Provider, Registration};
///
/// let registration =
///     Registration::new("my-client", "https://app.example/callback").secret("s3cr3t");
/// let dialect = Dialect::rfc6749("example", "https://login.example.com")?;
/// let client: Client = dialect.with(registration)?;
/// assert_eq!(client.brand(), "example");
///
/// // For tests, against a local server:
/// let client = client.base("http://127.0.0.1:8080")?;
/// assert_eq!(client.site(None)?.as_str(), "http://127.0.0.1:8080");
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    dialect: Dialect,
    registration: Registration,
    /// The registration's, parsed.
    redirect_uri: Url,
    sites: Option<SitePolicy>,
    /// The dialect's, with values filled in. `None`: there are none.
    api_headers: Option<ApiHeaders>,
}

impl Client {
    /// Sets another base: a sandbox, a self-hosted server or an emulator. Endpoints that are whole
    /// URLs stay where they are.
    ///
    /// A provider with a site per tenant gets one fixed site this way. The values that its sites
    /// hold must then come from the registration.
    ///
    /// # Errors
    /// [`Error::Origin`], [`Error::ValueMissing`].
    pub fn base(mut self, origin: &str) -> Result<Self, Error> {
        self.dialect.base = Some(Origin::parse(origin)?);
        self.check_values()?;
        Ok(self)
    }

    /// Sets which sites are allowed, for a provider that has a site per tenant.
    #[must_use]
    pub fn sites(mut self, policy: SitePolicy) -> Self {
        self.sites = Some(policy);
        self
    }

    /// Changes the dialect and checks everything again.
    ///
    /// # Errors
    /// As [`Dialect::with`].
    pub fn adjust(self, change: impl FnOnce(&mut Dialect)) -> Result<Self, Error> {
        let mut dialect = self.dialect;
        change(&mut dialect);
        let client = dialect.with(self.registration)?;
        Ok(Self {
            sites: self.sites,
            ..client
        })
    }

    /// Returns the dialect.
    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Returns the registration.
    #[must_use]
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Returns the registered redirect URI, parsed: for its scheme, host and path.
    ///
    /// What is sent is [`Registration::redirect_uri`], byte by byte.
    #[must_use]
    pub fn registered_redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Returns the policy for sites, if one was set.
    #[must_use]
    pub fn site_policy(&self) -> Option<&SitePolicy> {
        self.sites.as_ref()
    }

    /// Returns the addresses that a request to `target` for an account at `site` may go to. `None`:
    /// the application wrote the site or the target itself, so the request may go anywhere.
    ///
    /// The site is the application's own if it is the base or that of the registration's values, or
    /// if [`SitePolicy::only`] lists it. A target is if the dialect names it, apart from the site.
    #[must_use]
    pub fn address_policy(&self, site: &Origin, target: &Uri) -> Option<AddressPolicy> {
        if self.dialect.base.is_some() || site::is_registered(self, site) {
            return None;
        }
        if !site.matches(target) && self.dialect.names_origin_of(target) {
            return None;
        }
        match &self.sites {
            Some(policy) => policy.addresses(site),
            None => Some(AddressPolicy::public()),
        }
    }

    /// Returns the scope to request: the registration's, otherwise the dialect's.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.registration.requested_scope().or(self.dialect.scope())
    }

    /// Checks that `given` may be sent as the redirect URI: it is the registered one, or the
    /// registered one with further query parameters if the dialect allows that.
    ///
    /// Scheme, host and path are always the registered ones, even if the provider accepts others.
    /// The port may differ on a loopback address, 127.0.0.0/8 or `[::1]` (RFC 8252 §7.3), and on
    /// `localhost` if the registration has
    /// [`any_localhost_port`](Registration::any_localhost_port).
    ///
    /// # Errors
    /// [`Error::RedirectUri`].
    pub fn check_redirect_uri(&self, given: &RedirectUri) -> Result<(), Error> {
        let rule = self.dialect.authorization.redirect_rule;
        let registered = self.registration.redirect_uri();
        redirect_uri::check(given, registered, rule, self.takes_any_port())
    }

    /// Checks that a redirect to the registered redirect URI arrives at `url`.
    pub(crate) fn check_redirected_to(&self, url: &Url) -> Result<(), RedirectError> {
        if redirect_uri::is_target(url, &self.redirect_uri, self.takes_any_port()) {
            return Ok(());
        }
        Err(RedirectError::WrongUrl)
    }

    fn takes_any_port(&self) -> bool {
        redirect_uri::takes_any_port(
            &self.redirect_uri,
            self.registration.takes_any_localhost_port(),
        )
    }

    /// Returns what to request in a further scope parameter: the registration's, otherwise the
    /// dialect's.
    pub(crate) fn further_scopes(&self) -> impl Iterator<Item = (&str, &str)> {
        let declared = self.dialect.authorization.further_scopes.iter();
        declared.map(|(name, default)| {
            let own = self.registration.requested_further_scope(name);
            (name.as_str(), own.unwrap_or(default))
        })
    }

    pub(crate) fn api_headers(&self) -> Option<&ApiHeaders> {
        self.api_headers.as_ref()
    }

    /// Checks that each value which no site holds has a source.
    fn check_values(&self) -> Result<(), Error> {
        let values = match &self.dialect.base {
            Some(base) => Values::of(self, base),
            None => Values::of_client(self),
        };
        let site_gives = |name: &str| self.dialect.base.is_none() && self.dialect.site_holds(name);
        for name in self.dialect.values_beyond_site() {
            if !site_gives(name) {
                values.get(name)?;
            }
        }
        Ok(())
    }

    /// Classifies a refused or unreadable response of the token endpoint.
    #[must_use]
    pub fn refusal(
        &self,
        grant_type: GrantType,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Refusal {
        let object = body::object(&self.dialect, response);
        classification::classify(self, grant_type, response, object.as_ref(), sent_at)
    }

    /// Reads the rate limit that a response of the API names.
    #[must_use]
    pub fn rate_limit(&self, headers: &HeaderMap) -> RateLimit {
        rate_limit::read(&self.dialect.resource.rate_limit, headers, None)
    }
}

// NOTE: This method of a dialect is next to its result: the module `dialect` depends on no client.
impl Dialect {
    /// Combines the dialect with a registration, and checks both at once.
    ///
    /// # Errors
    /// [`Error::Dialect`], [`Error::ClientId`], [`Error::ClientSecret`], [`Error::RedirectUri`],
    /// [`Error::Scope`], [`Error::Value`], [`Error::ValueMissing`], or [`Error::SecretMissing`] if
    /// the dialect authenticates clients by a secret. [`Error::Several`] if more than one is wrong.
    pub fn with(self, registration: Registration) -> Result<Client, Error> {
        let mut added = self.authorization.callback.all().to_vec();
        added.extend(self.authorization.state.in_redirect_uri());
        let ways = [
            self.token.client_authentication,
            self.token.refresh_authentication(),
        ];
        let pkce = self.authorization.pkce;
        let redirect_uri = Error::collect(
            registration.parse_redirect_uri(added, pkce),
            [
                self.check(),
                registration.check_client_id(&ways),
                registration.check_secret(&self.brand, &ways),
                registration.check_scopes(&self),
                registration.check_values(&self),
            ],
        )?;
        let mut client = Client {
            dialect: self,
            registration,
            redirect_uri,
            sites: None,
            api_headers: None,
        };
        client.check_values()?;
        client.api_headers = ApiHeaders::of(&client)?;
        Ok(client)
    }
}
