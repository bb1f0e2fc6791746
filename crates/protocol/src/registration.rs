//! The registration of a client at a provider.

use std::collections::BTreeMap;

use url::Url;

use crate::{
    dialect::{ClientAuthentication, Dialect, Pkce},
    error::Error,
    redirect_uri,
    secret::ClientSecret,
};

/// A client registration (RFC 6749 §2): client id, secret if there is one, and redirect URI.
///
/// The constructor and the setters cannot fail: [`Dialect::with`](crate::Dialect::with) checks all
/// values at once.
///
/// ```
/// use tokenkeeper_protocol::{Dialect, Registration};
///
/// let registration =
///     Registration::new("my-client", "https://app.example/callback").secret("s3cr3t");
/// assert!(!format!("{registration:?}").contains("s3cr3t"));
///
/// let wrong = Registration::new("", "http://app.example/callback");
/// let error = Dialect::rfc6749("example", "https://login.example")?.with(wrong).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the client id is empty: the provider issues one when the application is registered; \
///      `example` requires a client secret: add it with `Registration::secret`; \
///      the redirect URI uses http and is not on loopback: use https",
/// );
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    client_id: String,
    secret: Option<ClientSecret>,
    redirect_uri: String,
    any_localhost_port: bool,
    scope: Option<String>,
    further_scopes: BTreeMap<String, String>,
    /// Values may be keys of an API, so they are kept as secrets are.
    values: BTreeMap<String, ClientSecret>,
}

impl Registration {
    /// A registration without a secret.
    ///
    /// The client id is printable ASCII (RFC 6749 appendix A.1), without spaces or quotes around
    /// it. The redirect URI is absolute, without fragment and user info, and is sent unchanged,
    /// because providers compare it byte by byte. It has one of these forms:
    ///
    /// - `https://app.example/callback`.
    /// - `http://127.0.0.1/callback`, with or without a port, also with `[::1]` or `localhost`: a
    ///   native application that listens on loopback (RFC 8252 §7.3). A login uses the port of the
    ///   registration, or another one on 127.0.0.0/8 or `[::1]`.
    /// - `com.example.app:/callback`: a private-use scheme of a native application (RFC 8252 §7.1),
    ///   which requires PKCE.
    #[must_use]
    pub fn new(client_id: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            secret: None,
            redirect_uri: redirect_uri.into(),
            any_localhost_port: false,
            scope: None,
            further_scopes: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// Sets the client's secret. An empty one counts as none. It is printable ASCII (RFC 6749
    /// appendix A.2), without blanks or quotes around it.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        self.secret = (!secret.is_empty()).then(|| ClientSecret::new(secret));
        self
    }

    /// Lets a login use another port than the registered one at `localhost`, as it may at
    /// 127.0.0.1.
    ///
    /// Only if the provider ignores the port there too. Prefer an address: `localhost` may resolve
    /// to one that is not loopback (RFC 8252 §8.3).
    #[must_use]
    pub fn any_localhost_port(mut self) -> Self {
        self.any_localhost_port = true;
        self
    }

    /// Sets the scope to request, in place of the dialect's.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Sets what to request in a further scope parameter of the provider, such as Slack's
    /// `user_scope`, in place of the dialect's.
    #[must_use]
    pub fn further_scope(mut self, name: impl Into<String>, scope: impl Into<String>) -> Self {
        self.further_scopes.insert(name.into(), scope.into());
        self
    }

    /// Sets a value that the dialect's placeholders stand for, such as a tenant or an API key.
    ///
    /// `Debug` shows no value.
    #[must_use]
    pub fn value(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), ClientSecret::new(value));
        self
    }

    /// Returns the client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the secret, if there is one.
    #[must_use]
    pub fn client_secret(&self) -> Option<&ClientSecret> {
        self.secret.as_ref()
    }

    /// Returns the redirect URI as registered.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    pub(crate) fn takes_any_localhost_port(&self) -> bool {
        self.any_localhost_port
    }

    /// Returns the scope to request, if one was given.
    #[must_use]
    pub fn requested_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Returns what to request in a further scope parameter, if something was given.
    #[must_use]
    pub fn requested_further_scope(&self, name: &str) -> Option<&str> {
        self.further_scopes.get(name).map(String::as_str)
    }

    pub(crate) fn given_value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ClientSecret::expose)
    }

    /// Returns the values in the order of their names.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.map(|(name, value)| (name.as_str(), value.expose()))
    }

    /// Checks the scopes: the provider takes them, and they have the form of RFC 6749 §3.3.
    pub(crate) fn check_scopes(&self, dialect: &Dialect) -> Result<(), Error> {
        let rules = &dialect.authorization;
        if let Some(scope) = &self.scope {
            rules.check_scope(scope)?;
        }
        for (name, scope) in &self.further_scopes {
            if !rules.further_scopes.contains_key(name) {
                return Err(Error::Scope {
                    problem: "names a further parameter that this provider does not have",
                });
            }
            if !scope.is_empty() {
                rules.check_scope_form(scope)?;
            }
        }
        Ok(())
    }

    /// Checks that the dialect declares each value, and their forms.
    pub(crate) fn check_values(&self, dialect: &Dialect) -> Result<(), Error> {
        for (name, value) in self.values() {
            let problem = match dialect.values.get(name) {
                None => "is none of this provider's: remove it",
                Some(rules) if rules.pattern.read(value).is_none() => {
                    "does not have the form that the dialect's `values` declare: correct it"
                }
                Some(_) => continue,
            };
            let name = name.to_owned();
            return Err(Error::Value { name, problem });
        }
        Ok(())
    }

    /// Checks the client id for a provider that takes it in one of these ways.
    pub(crate) fn check_client_id(&self, ways: &[ClientAuthentication]) -> Result<(), Error> {
        let id = &self.client_id;
        let problem = if id.is_empty() {
            "is empty: the provider issues one when the application is registered"
        } else if !id.bytes().all(|b| matches!(b, b' '..=b'~')) {
            "holds a character that is not printable ASCII: copy it again"
        } else if id.trim_matches(' ') != id {
            "begins or ends with a space: copy it again"
        } else if is_quoted(id) {
            "is in quotes: copy it again, without them"
        } else if ways.contains(&ClientAuthentication::BasicUnencoded) && id.contains(':') {
            "holds a colon, which ends a user name of HTTP Basic: use `basic`, which encodes it"
        } else {
            return Ok(());
        };
        Err(Error::ClientId { problem })
    }

    /// Checks the secret for a provider that takes it in one of these ways.
    pub(crate) fn check_secret(
        &self,
        brand: &str,
        ways: &[ClientAuthentication],
    ) -> Result<(), Error> {
        let Some(secret) = self.secret.as_ref().map(ClientSecret::expose) else {
            if ways.iter().all(|way| *way == ClientAuthentication::None) {
                return Ok(());
            }
            let brand = brand.to_owned();
            return Err(Error::SecretMissing { brand });
        };
        let problem = if secret.contains(char::is_control) {
            "holds a control character, such as the line break at a file's end: remove it"
        } else if !secret.is_ascii() {
            "holds a character that is not ASCII and may be invisible: copy it again"
        } else if secret.trim() != secret {
            "begins or ends with a blank: copy it again"
        } else if is_quoted(secret) {
            "is in quotes: copy it again, without them"
        } else if ways.contains(&ClientAuthentication::BasicSecretOnly) && secret.contains(':') {
            "holds a colon, which ends a user name of HTTP Basic: copy it again"
        } else {
            return Ok(());
        };
        Err(Error::ClientSecret { problem })
    }

    /// Parses the redirect URI, whose query holds none of the parameters in `added`: the provider
    /// adds those when it redirects.
    pub(crate) fn parse_redirect_uri(
        &self,
        mut added: Vec<&str>,
        pkce: Pkce,
    ) -> Result<Url, Error> {
        let uri = redirect_uri::parse(&self.redirect_uri)?;
        redirect_uri::check_pkce(&uri, pkce)?;
        added.retain(|name| uri.query_pairs().any(|(own, _)| own == *name));
        match added.first() {
            None => Ok(uri),
            Some(name) => Err(Error::RedirectUri {
                problem: format!("has `{name}` in its query, which the provider adds: remove it"),
            }),
        }
    }
}

/// Returns whether a text has quotes around it, as a value has in a configuration file.
fn is_quoted(text: &str) -> bool {
    let mut quotes = ['"', '\'', '`'].into_iter();
    quotes.any(|quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote))
}
