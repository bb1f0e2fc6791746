#![doc = include_str!("../README.md")]

mod direct_code;

use tokenkeeper_protocol::{
    Attach, Client, ClientAuthentication, Dialect, Error, Expiry, Method, Provider, Registration,
    SitePolicy, TokenParameter, TokenValue,
};

/// iOFFICE. The crate's page says what is documented and what is inferred.
#[derive(Clone, Debug)]
pub struct IOffice {
    client: Client,
    direct_code: bool,
}

impl IOffice {
    /// iOFFICE, with an application that iOFFICE registered. Each tenant has a site of its own: state with
    /// [`sites`](Self::sites) which ones are allowed, or fix one with [`base`](Self::base).
    ///
    /// The registration's scope is any non-empty string; without one it is "email".
    ///
    /// # Errors
    /// [`Error::Scope`].
    pub fn new(registration: Registration) -> Result<Self, Error> {
        let client = dialect()?.with(registration)?;
        Ok(Self {
            client,
            direct_code: false,
        })
    }

    /// With the rule which tenants' sites are allowed. Without one, no site is.
    #[must_use]
    pub fn sites(mut self, policy: SitePolicy) -> Self {
        self.client = self.client.sites(policy);
        self
    }

    /// With one fixed site: a single tenant, or an emulator.
    ///
    /// # Errors
    /// [`Error::Origin`].
    pub fn base(mut self, origin: &str) -> Result<Self, Error> {
        self.client = self.client.base(origin)?;
        Ok(self)
    }

    /// With the token in the query (`access_token`) instead of the header `x-access-token`. Both are documented; RFC 9700 §4.3.2
    /// advises against the query, because URLs end up in logs, histories and `Referer`.
    ///
    /// # Errors
    /// None at present; the dialect is checked anew.
    pub fn query_attachment(self) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.attach = Attach::Query("access_token".to_owned()))
    }

    /// With the client's secret in this header of token requests. The document names no place for it, and without this option it
    /// is not sent.
    ///
    /// # Errors
    /// [`Error::SecretMissing`] where the registration has none; [`Error::Dialect`] for a name that is no header's or that is
    /// taken.
    pub fn secret_header(self, name: &str) -> Result<Self, Error> {
        self.adjust(|dialect| {
            let rules = &mut dialect.token;
            rules.client_authentication = ClientAuthentication::Parameters;
            for list in [&mut rules.code, &mut rules.refresh] {
                list.retain(|parameter| parameter.value != TokenValue::ClientSecret);
                let name = name.to_ascii_lowercase();
                list.push(TokenParameter {
                    name,
                    value: TokenValue::ClientSecret,
                });
            }
        })
    }

    /// With `expires_in` in another unit. The document says milliseconds, and the vendor's client library of 2015 reads seconds.
    ///
    /// # Errors
    /// None at present; the dialect is checked anew.
    pub fn expiry(self, unit: Expiry) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.response.expiry = unit)
    }

    /// With another method for revocations. The document names none; GET is what the vendor's client library uses.
    ///
    /// # Errors
    /// None at present; the dialect is checked anew.
    pub fn revoke_method(self, method: Method) -> Result<Self, Error> {
        self.adjust(|dialect| {
            if let Some(rules) = &mut dialect.revocation {
                rules.method = method;
            }
        })
    }

    /// Allows [`direct_code_request`](Self::direct_code_request): the application sees the person's password then, which the
    /// browser flow exists to avoid.
    #[must_use]
    pub fn direct_code(mut self) -> Self {
        self.direct_code = true;
        self
    }

    fn adjust(mut self, change: impl FnOnce(&mut Dialect)) -> Result<Self, Error> {
        self.client = self.client.adjust(change)?;
        Ok(self)
    }
}

impl Provider for IOffice {
    fn client(&self) -> &Client {
        &self.client
    }
}

/// The dialect of iOFFICE, for whoever wants to change it.
///
/// # Errors
/// None: the text is part of this crate, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    Dialect::from_toml(include_str!("dialect.toml"))
}
