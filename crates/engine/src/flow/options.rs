//! The options of one login.

/// Configures one login, beyond what the registration says.
///
/// ```
/// use tokenkeeper_engine::ConnectOptions;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::plain().accounts;
/// let account = accounts.account("plain", "user-42")?;
/// let options = ConnectOptions::new().scope("read write").parameter("prompt", "consent");
/// let login = account.connect_with(&options)?;
/// assert!(login.url.query_pairs().any(|pair| pair == ("prompt".into(), "consent".into())));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "options take effect in `Account::connect_with`"]
pub struct ConnectOptions {
    pub(crate) scope: Option<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) redirect_port: Option<u16>,
    pub(crate) note: Option<String>,
}

impl ConnectOptions {
    /// Returns the names and values of the further parameters.
    pub(crate) fn parameter_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.parameters.iter();
        parameters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Creates options that add nothing to the registration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the scope, space-separated (RFC 6749 §3.3).
    ///
    /// [`Account::connect_with`](crate::Account::connect_with) refuses a scope that the provider
    /// does not take.
    ///
    /// Default: the registration's.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a parameter to the authorization request, or to the device authorization request.
    ///
    /// [`Account::connect_with`](crate::Account::connect_with) refuses a name that the protocol
    /// uses itself.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Sets the port of the redirect URI, for an application that listens on a port of loopback
    /// that the system has chosen (RFC 8252 §7.3).
    ///
    /// The registered redirect URI names the host 127.0.0.1 or `[::1]`, with any port or none.
    /// [`Account::connect_with`](crate::Account::connect_with) refuses a port for any other one,
    /// except `localhost` if the registration has `any_localhost_port`.
    ///
    /// A login by device code has no redirect, and ignores it.
    ///
    /// Default: the port of the registration.
    ///
    /// ```
    /// use tokenkeeper_engine::{ConnectOptions, protocol::Registration};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registration = Registration::new("my-app", "http://127.0.0.1/callback").secret("s");
    /// # use tokenkeeper_engine::protocol::Dialect;
    /// # let dialect = Dialect::rfc6749("example", "https://login.example.com")?;
    /// # let provider = dialect.with(registration)?;
    /// # let accounts = tokenkeeper_test_support::offline::accounts_of(provider);
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let port = listener.local_addr()?.port();
    ///
    /// let options = ConnectOptions::new().redirect_port(port);
    /// let login = accounts.account("example", "user-42")?.connect_with(&options)?;
    /// let info = accounts.flow(&login.flow)?;
    /// assert_eq!(info.redirect_uri.port(), Some(port));
    /// # Ok(()) }
    /// ```
    pub fn redirect_port(mut self, port: u16) -> Self {
        self.redirect_port = Some(port);
        self
    }

    /// Sets a text of the application that the callback needs, such as the page to return to.
    ///
    /// It is sealed with the flow, so the browser can neither read nor change it, and comes back as
    /// [`FlowInfo::note`](crate::FlowInfo::note). The provider does not see it. A cookie may hold
    /// the flow: keep it short.
    ///
    /// Default: none.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}
