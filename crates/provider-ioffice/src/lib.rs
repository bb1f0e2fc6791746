#![doc = include_str!("../README.md")]

mod direct_code;

use tokenkeeper_protocol::{
    AttachmentMethod, ClientAuthentication, Dialect, Error, Expiry, Method, Pkce, SitePolicy,
    TokenParameter, TokenValue, adapter,
};

adapter! {
    /// iOFFICE, where each tenant has its own site.
    ///
    /// State with [`sites`](Self::sites) which sites are allowed, or fix one with
    /// [`base`](Self::base). The registration's scope is any non-empty string; without one it is
    /// "email". The [page of the crate](crate) lists what is documented and what is inferred.
    pub struct IOffice { direct_code: bool } = dialect();
}

impl IOffice {
    /// States which tenants' sites are allowed; without a policy, none is.
    #[must_use]
    pub fn sites(mut self, policy: SitePolicy) -> Self {
        self.client = self.client.sites(policy);
        self
    }

    /// Sends the token in the query (`access_token`) instead of the header `x-access-token`.
    ///
    /// Both are documented; RFC 9700 §4.3.2 advises against the query, because URLs end up in logs,
    /// histories and `Referer`.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn query_attachment(self) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.attach = AttachmentMethod::Query("access_token".to_owned()))
    }

    /// Sends the client's secret in this header of token requests.
    ///
    /// The document names no place for it; without this option it is not sent.
    ///
    /// # Errors
    /// [`Error::SecretMissing`] if the registration has no secret; [`Error::Dialect`] if the name
    /// is not a header's, or is taken.
    pub fn secret_header(self, name: &str) -> Result<Self, Error> {
        let name = name.to_ascii_lowercase();
        self.adjust(|dialect| {
            let rules = &mut dialect.token;
            rules.client_authentication = ClientAuthentication::Parameters;
            for list in [&mut rules.code, &mut rules.refresh] {
                list.retain(|parameter| parameter.value != TokenValue::ClientSecret);
                list.push(TokenParameter {
                    name: name.clone(),
                    value: TokenValue::ClientSecret,
                });
            }
        })
    }

    /// Leaves PKCE (RFC 7636) out: no challenge, and no `x-code-verifier` at the exchange.
    ///
    /// The document does not mention PKCE, and a server that does not know it ignores both. This is
    /// for a site that keeps the challenge and takes the verifier elsewhere: its refusals of every
    /// exchange end with this option.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn without_pkce(self) -> Result<Self, Error> {
        self.adjust(|dialect| {
            dialect.authorization.pkce = Pkce::Off;
            let code = &mut dialect.token.code;
            code.retain(|parameter| parameter.value != TokenValue::CodeVerifier);
        })
    }

    /// Sets the unit of `expires_in`.
    ///
    /// The document says milliseconds, and the vendor's client library of 2015 reads seconds.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn expiry(self, unit: Expiry) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.response.expiry = unit)
    }

    /// Sets the method of revocations.
    ///
    /// The document names none; GET is what the vendor's client library uses.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn revoke_method(self, method: Method) -> Result<Self, Error> {
        self.adjust(|dialect| {
            if let Some(rules) = &mut dialect.revocation {
                rules.method = method;
            }
        })
    }

    /// Allows [`direct_code_request`](Self::direct_code_request).
    ///
    /// The application then sees the person's password, which the browser flow exists to avoid.
    #[must_use]
    pub fn direct_code(mut self) -> Self {
        self.direct_code = true;
        self
    }
}

/// Returns the dialect of iOFFICE, as a base for a changed one.
///
/// # Errors
/// None: the text is part of this crate, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    Dialect::from_toml(include_str!("dialect.toml"))
}
