//! The state of a login between the redirect and the callback, sealed in a [`Flow`].

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use tokenkeeper_protocol::{State, Url};
use tokenkeeper_refresh::{self as refresh, WallMillis};
use zeroize::Zeroize as _;

use crate::error::{Error, FlowError};

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
}

impl ConnectOptions {
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

    /// Adds a parameter to the authorization request.
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
}

/// A started login: the redirect for the person, and the flow to keep until the callback.
///
/// `Debug` omits the URL's query, which holds the `state`.
///
/// ```
/// use tokenkeeper_engine::Flow;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tokenkeeper_test_support::{World, approve};
/// # let world = World::amiqus();
/// # let accounts = world.accounts.clone();
/// let login = accounts.account("amiqus", "user-42")?.connect()?;
/// let cookie = login.flow.as_str().to_owned();
/// // Redirect the browser to `login.url`. Then, at the callback:
/// # let redirect = approve(&world.emulator, login.url.as_str()).await;
/// let login = accounts.finish(Flow::from(cookie), redirect).await?;
/// assert_eq!(login.account.subject(), "user-42");
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct LoginRedirect {
    /// The authorization URL to send the person to.
    pub url: Url,
    /// The flow to bind to the person's browser session, and to pass to
    /// [`Accounts::finish`](crate::Accounts::finish) at the callback.
    pub flow: Flow,
    /// The state that the redirect returns. A browser with several logins finds the flow by it.
    pub state: State,
}

impl fmt::Debug for LoginRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRedirect")
            .field("url", &UrlWithoutQuery(&self.url))
            .field("flow", &self.flow)
            .finish()
    }
}

/// Shows a URL without its query and fragment.
pub(crate) struct UrlWithoutQuery<'a>(pub(crate) &'a Url);

impl fmt::Debug for UrlWithoutQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0.origin().ascii_serialization();
        write!(f, "{origin}{}", self.0.path())
    }
}

/// The sealed state of a login in flight. Only a holder of the [`FlowKey`] can read or change it,
/// so a cookie may hold it.
///
/// A flow finishes one login, within [`Options::login_timeout`](crate::Options::login_timeout) (ten
/// minutes), whichever process its callbacks reach: a second callback gets the first one's result.
/// The person at the callback must be the one who started the login: bind the flow to the browser
/// with a cookie that is `HttpOnly`, `Secure` and `SameSite=Lax` (`None` for a provider with the
/// response mode `form_post`).
///
/// [`LoginRedirect`] has an example of a whole login. A flow also implements serde's traits, for a
/// session store:
///
/// ```
/// use tokenkeeper_engine::Flow;
///
/// let flow = Flow::from("from the cookie".to_owned());
/// assert_eq!(flow.as_str(), "from the cookie");
/// assert_eq!(format!("{flow:?}"), "Flow([sealed])");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flow(String);

impl Flow {
    /// Returns the flow as text in the base64url alphabet.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Flow {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flow([sealed])")
    }
}

/// The key that seals flows. All processes that serve the same callback must share it.
///
/// ```
/// use tokenkeeper_engine::{Accounts, FlowKey};
/// use tokenkeeper_store_memory::MemoryStore;
///
/// // 32 random bytes from the application's secrets.
/// let secret = [7; 32];
/// let builder = Accounts::builder(MemoryStore::new()).flow_key(FlowKey::new(secret));
/// # drop(builder);
/// ```
#[derive(Clone)]
pub struct FlowKey([u8; 32]);

impl Drop for FlowKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl FlowKey {
    /// Creates a key from 256 random bits.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub(crate) fn random() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system gives random numbers");
        Self(key)
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowKey([redacted])")
    }
}

/// The plaintext of a [`Flow`].
#[derive(Serialize, Deserialize)]
pub(crate) struct FlowContents {
    pub(crate) id: String,
    pub(crate) brand: String,
    pub(crate) site: String,
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verifier: Option<String>,
    pub(crate) redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    pub(crate) expires: WallMillis,
}

impl FlowContents {
    /// Returns what identifies the flow in the account's record.
    pub(crate) fn identity(&self) -> Result<refresh::Flow, FlowError> {
        let id = u128::from_str_radix(&self.id, 16).map_err(|_| FlowError::NotOurs)?;
        Ok(refresh::Flow {
            id: refresh::Id(id.to_be_bytes()),
            ends: self.expires,
        })
    }
}

impl Drop for FlowContents {
    fn drop(&mut self) {
        self.state.zeroize();
        self.verifier.zeroize();
    }
}

/// Encrypts the contents of a flow.
pub(crate) fn seal(key: &FlowKey, contents: &FlowContents) -> Flow {
    let mut plain = serde_json::to_vec(contents).expect("a flow has string keys only");
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).expect("the operating system gives random numbers");
    let payload = Payload {
        msg: &plain,
        aad: PURPOSE,
    };
    let sealed = XChaCha20Poly1305::new(&key.0.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a flow is far shorter than the cipher's limit");
    plain.zeroize();
    Flow(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Decrypts a flow.
///
/// # Errors
/// [`FlowError::NotOurs`] if another key sealed it, [`FlowError::Expired`] after its time.
pub(crate) fn open(key: &FlowKey, flow: &Flow, now: WallMillis) -> Result<FlowContents, Error> {
    let bytes = URL_SAFE_NO_PAD
        .decode(&flow.0)
        .map_err(|_| FlowError::NotOurs)?;
    let (nonce, sealed) = bytes.split_first_chunk::<24>().ok_or(FlowError::NotOurs)?;
    let payload = Payload {
        msg: sealed,
        aad: PURPOSE,
    };
    let mut plain = XChaCha20Poly1305::new(&key.0.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| FlowError::NotOurs)?;
    let contents: Result<FlowContents, _> = serde_json::from_slice(&plain);
    plain.zeroize();
    let contents = contents.map_err(|_| FlowError::NotOurs)?;
    if now >= contents.expires {
        return Err(FlowError::Expired.into());
    }
    Ok(contents)
}

/// The associated data of the encryption: it separates flows from other uses of the same key.
const PURPOSE: &[u8] = b"tokenkeeper flow 1";
