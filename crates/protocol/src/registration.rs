//! What the application registered at the provider.

use url::Url;

use crate::{error::Error, redirect_uri, secret::ClientSecret};

/// Client id, secret if there is one, and redirect URI: what registering an application at the provider gave.
///
/// ```
/// use tokenkeeper_protocol::Registration;
///
/// let registration = Registration::new("my-client", "https://app.example/callback")?.secret("s3cr3t");
/// assert!(!format!("{registration:?}").contains("s3cr3t"));
/// assert!(Registration::new("my-client", "http://app.example/callback").is_err());
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    client_id: String,
    secret: Option<ClientSecret>,
    redirect_uri: Url,
    scope: Option<String>,
}

impl Registration {
    /// A registration without a secret.
    ///
    /// The redirect URI is absolute, https unless it is on loopback, without fragment and user info, and in its normal form,
    /// because providers compare it byte by byte.
    ///
    /// # Errors
    /// [`Error::ClientId`], [`Error::RedirectUri`].
    pub fn new(client_id: &str, redirect_uri: &str) -> Result<Self, Error> {
        if client_id.is_empty() {
            let problem = "is empty: the provider gives one when the application is registered";
            return Err(Error::ClientId { problem });
        }
        if !client_id.bytes().all(|b| matches!(b, b' '..=b'~')) {
            let problem = "holds a character that is not printable ASCII: copy it again";
            return Err(Error::ClientId { problem });
        }
        Ok(Self {
            client_id: client_id.to_owned(),
            secret: None,
            redirect_uri: redirect_uri::parse(redirect_uri)?,
            scope: None,
        })
    }

    /// With the client's secret. An empty one counts as none.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        self.secret = (!secret.is_empty()).then(|| ClientSecret::new(secret));
        self
    }

    /// With the scope to ask for, instead of the dialect's own.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        self.scope = Some(scope.to_owned());
        self
    }

    /// The client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret, if there is one.
    #[must_use]
    pub fn client_secret(&self) -> Option<&ClientSecret> {
        self.secret.as_ref()
    }

    /// The redirect URI as registered.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// The scope to ask for, if one was given.
    #[must_use]
    pub fn requested_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }
}
