//! The clients and users that a provider knows.

use std::fmt;

/// A client application, as registered at a provider.
///
/// ```
/// use tokenkeeper_emulator::RegisteredClient;
///
/// let client = RegisteredClient::new("my-app").secret("s3cret");
/// let client = client.redirect_uri("https://app.example/cb");
/// assert_eq!(client.id(), "my-app");
/// ```
#[derive(Clone)]
pub struct RegisteredClient {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
}

impl RegisteredClient {
    /// Creates a public client (without a secret) that has no redirect URI yet.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: None,
            redirect_uris: Vec::new(),
        }
    }

    /// Sets the secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Adds a redirect URI; call it again for further ones.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Returns the client id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the registered redirect URIs.
    #[must_use]
    pub fn redirect_uris(&self) -> &[String] {
        &self.redirect_uris
    }

    pub(crate) fn registers(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|uri| uri == redirect_uri)
    }
}

impl Default for RegisteredClient {
    /// Returns the client of an emulator for which none was registered.
    ///
    /// It has [`DEFAULT_CLIENT_ID`], [`DEFAULT_CLIENT_SECRET`] and [`DEFAULT_REDIRECT_URI`].
    fn default() -> Self {
        Self::new(DEFAULT_CLIENT_ID)
            .secret(DEFAULT_CLIENT_SECRET)
            .redirect_uri(DEFAULT_REDIRECT_URI)
    }
}

impl fmt::Debug for RegisteredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredClient")
            .field("id", &self.id)
            .field("secret", &self.secret.as_ref().map(|_| "[redacted]"))
            .field("redirect_uris", &self.redirect_uris)
            .finish()
    }
}

/// The id of the default client.
pub const DEFAULT_CLIENT_ID: &str = "demo-client";
/// The secret of the default client.
pub const DEFAULT_CLIENT_SECRET: &str = "demo-secret";
/// The redirect URI of the default client.
pub const DEFAULT_REDIRECT_URI: &str = "https://app.example/cb";
/// The login of the default user.
pub const DEFAULT_USER: &str = "bob@example.com";

/// A person with a login at the provider.
#[derive(Clone)]
pub struct User {
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) permitted: bool,
}

impl User {
    /// Creates a user with the password `password`.
    #[must_use]
    pub fn new(login: impl Into<String>) -> Self {
        let login = login.into();
        Self {
            name: login.clone(),
            login,
            password: "password".into(),
            permitted: true,
        }
    }

    /// Sets the name that the API shows. Default: the login.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the password, which only iOFFICE's direct code request uses.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Makes the API answer this user's valid tokens with 403, if the provider has this answer.
    #[must_use]
    pub fn forbidden(mut self) -> Self {
        self.permitted = false;
        self
    }

    /// Returns the login.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }
}

impl Default for User {
    /// Returns the user of an emulator to which none was added: [`DEFAULT_USER`].
    fn default() -> Self {
        Self::new(DEFAULT_USER).name("Bob Gale")
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("login", &self.login)
            .field("permitted", &self.permitted)
            .finish_non_exhaustive()
    }
}
