//! A dialect with a registration: a provider that can be used.

use bytes::Bytes;
use http::{HeaderMap, Response};
use std::time::SystemTime;
use url::Url;

use crate::{
    classification,
    dialect::{ClientAuthentication, Dialect},
    error::Error,
    grant::GrantType,
    origin::Origin,
    rate_limit::{self, RateLimit},
    redirect_uri,
    refusal::Refusal,
    registration::Registration,
    site_policy::SitePolicy,
};

/// A dialect with a registration and, where each tenant has its own site, the rule which sites are allowed.
///
/// ```
/// use tokenkeeper_protocol::{Client, Dialect, Provider, Registration};
///
/// let registration = Registration::new("my-client", "https://app.example/callback")?.secret("s3cr3t");
/// let client: Client = Dialect::rfc6749("example", "https://login.example.com")?.with(registration)?;
/// assert_eq!(client.brand(), "example");
/// // For tests, against a server of one's own:
/// let client = client.base("http://127.0.0.1:8080")?;
/// assert_eq!(client.site(None)?.as_str(), "http://127.0.0.1:8080");
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    dialect: Dialect,
    registration: Registration,
    sites: Option<SitePolicy>,
}

impl Client {
    pub(crate) fn new(dialect: Dialect, registration: Registration) -> Result<Self, Error> {
        let client = Self {
            dialect,
            registration,
            sites: None,
        };
        client.check()?;
        Ok(client)
    }

    /// With another base: a sandbox, a server of one's own, an emulator. Endpoints that are whole URLs stay where they are.
    ///
    /// A provider with a site per tenant gets one fixed site this way.
    ///
    /// # Errors
    /// [`Error::Origin`].
    pub fn base(mut self, origin: &str) -> Result<Self, Error> {
        self.dialect.base = Some(Origin::parse(origin)?);
        Ok(self)
    }

    /// With the rule which sites are allowed, for a provider that has a site per tenant.
    #[must_use]
    pub fn sites(mut self, policy: SitePolicy) -> Self {
        self.sites = Some(policy);
        self
    }

    /// With a changed dialect, checked anew.
    ///
    /// # Errors
    /// As [`Dialect::with`].
    pub fn adjust(mut self, change: impl FnOnce(&mut Dialect)) -> Result<Self, Error> {
        change(&mut self.dialect);
        self.check()?;
        Ok(self)
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// The registration.
    #[must_use]
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// The rule which sites are allowed, if one was stated.
    #[must_use]
    pub fn site_policy(&self) -> Option<&SitePolicy> {
        self.sites.as_ref()
    }

    /// The scope to ask for: the registration's, or else the dialect's.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.registration.requested_scope().or(self.dialect.scope())
    }

    /// Whether `given` may be sent as redirect URI: the registered one, or one with further query parameters where the dialect
    /// allows that. Scheme, host, port and path are always the registered ones, whatever the provider itself lets through.
    ///
    /// # Errors
    /// [`Error::RedirectUri`].
    pub fn check_redirect_uri(&self, given: &Url) -> Result<(), Error> {
        let registered = self.registration.redirect_uri();
        redirect_uri::check(given, registered, self.dialect.authorization.redirect_rule)
    }

    /// What a refused or unreadable answer of the token endpoint means.
    #[must_use]
    pub fn refusal(
        &self,
        grant_type: GrantType,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Refusal {
        classification::classify(&self.dialect, grant_type, response, sent_at)
    }

    /// The rate limit that a response of the API names.
    #[must_use]
    pub fn rate_limit(&self, headers: &HeaderMap) -> RateLimit {
        rate_limit::read(&self.dialect.resource.rate_limit, headers, None)
    }

    /// Checks the dialect, and that the registration fits it.
    fn check(&self) -> Result<(), Error> {
        let (dialect, registration) = (&self.dialect, &self.registration);
        dialect.check()?;
        let needs_secret = dialect.token.client_authentication != ClientAuthentication::None;
        if needs_secret && registration.client_secret().is_none() {
            return Err(Error::SecretMissing {
                brand: dialect.brand.clone(),
            });
        }
        if let Some(asked) = registration.requested_scope() {
            dialect.authorization.check_scope(asked)?;
        }
        let carried = dialect.authorization.state.in_redirect_uri();
        let brought = ["code", "error", "state", "iss"].into_iter().chain(carried);
        for name in brought {
            if registration
                .redirect_uri()
                .query_pairs()
                .any(|(own, _)| own == name)
            {
                let problem =
                    format!("has `{name}` in its query, which the redirect brings: leave it out");
                return Err(Error::RedirectUri { problem });
            }
        }
        Ok(())
    }
}

// NOTE: This method of a dialect stands with what it makes: a dialect depends on no client.
impl Dialect {
    /// The dialect with a registration: a provider that can be used.
    ///
    /// # Errors
    /// [`Error::SecretMissing`] where the dialect authenticates by a secret; [`Error::Scope`]; [`Error::RedirectUri`] where the
    /// redirect URI's query holds a parameter that the redirect brings; [`Error::Dialect`].
    pub fn with(self, registration: Registration) -> Result<Client, Error> {
        Client::new(self, registration)
    }
}
