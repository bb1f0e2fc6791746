//! Who is known to the provider: client applications and users.

use std::fmt;

/// A client application, as a provider has it registered.
///
/// ```
/// use tokenkeeper_emulator::RegisteredClient;
///
/// let client = RegisteredClient::new("my-app").secret("s3cret").redirect_uri("https://app.example/cb");
/// assert_eq!(client.id(), "my-app");
/// ```
#[derive(Clone)]
pub struct RegisteredClient {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
}

impl RegisteredClient {
    /// A public client (no secret) without a redirect URI.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: None,
            redirect_uris: Vec::new(),
        }
    }

    /// Gives it a secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Registers a redirect URI; call it again for further ones.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// The client id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The registered redirect URIs.
    #[must_use]
    pub fn redirect_uris(&self) -> &[String] {
        &self.redirect_uris
    }

    pub(crate) fn registers(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|uri| uri == redirect_uri)
    }
}

impl Default for RegisteredClient {
    /// The client that an emulator knows when none was registered: [`DEFAULT_CLIENT_ID`], [`DEFAULT_CLIENT_SECRET`], [`DEFAULT_REDIRECT_URI`].
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

/// Client id of the client that an emulator knows when none was registered.
pub const DEFAULT_CLIENT_ID: &str = "demo-client";
/// Its secret.
pub const DEFAULT_CLIENT_SECRET: &str = "demo-secret";
/// Its redirect URI.
pub const DEFAULT_REDIRECT_URI: &str = "https://app.example/cb";
/// Login of the user that an emulator knows when none was added.
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
    /// A user whose password is `password`.
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

    /// The name that the API shows; without it, the login.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The password, which only iOFFICE's direct code request takes.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// A user whose valid tokens the API answers with 403 ("not allowed"), where the provider has such an answer.
    #[must_use]
    pub fn forbidden(mut self) -> Self {
        self.permitted = false;
        self
    }

    /// The login.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }
}

impl Default for User {
    /// The user that an emulator knows when none was added: [`DEFAULT_USER`].
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
