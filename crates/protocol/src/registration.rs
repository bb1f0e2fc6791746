//! The registration of a client at a provider.

use url::Url;

use crate::{error::Error, redirect_uri, secret::ClientSecret};

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
    scope: Option<String>,
}

impl Registration {
    /// A registration without a secret.
    ///
    /// The client id is printable ASCII. The redirect URI is absolute, https unless it is on
    /// loopback, without fragment and user info, and in its normal form, because providers compare
    /// it byte by byte.
    #[must_use]
    pub fn new(client_id: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            secret: None,
            redirect_uri: redirect_uri.into(),
            scope: None,
        }
    }

    /// Sets the client's secret. An empty one counts as none.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        self.secret = (!secret.is_empty()).then(|| ClientSecret::new(secret));
        self
    }

    /// Sets the scope to request, in place of the dialect's.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
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

    /// Returns the scope to request, if one was given.
    #[must_use]
    pub fn requested_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    pub(crate) fn check_client_id(&self) -> Result<(), Error> {
        let problem = if self.client_id.is_empty() {
            "is empty: the provider issues one when the application is registered"
        } else if !self.client_id.bytes().all(|b| matches!(b, b' '..=b'~')) {
            "holds a character that is not printable ASCII: copy it again"
        } else {
            return Ok(());
        };
        Err(Error::ClientId { problem })
    }

    /// Parses the redirect URI, whose query holds none of the parameters in `added`: the provider
    /// adds those when it redirects.
    pub(crate) fn parse_redirect_uri(&self, mut added: Vec<&str>) -> Result<Url, Error> {
        let uri = redirect_uri::parse(&self.redirect_uri)?;
        added.retain(|name| uri.query_pairs().any(|(own, _)| own == *name));
        match added.first() {
            None => Ok(uri),
            Some(name) => Err(Error::RedirectUri {
                problem: format!("has `{name}` in its query, which the provider adds: remove it"),
            }),
        }
    }
}
