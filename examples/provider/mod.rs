//! The provider of the examples for other people's clients: an emulator with two users, Alice and
//! Bob.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Request, header::AUTHORIZATION};
use serde_json::Value;
use tokenkeeper::{
    Account, Accounts, MemoryStore,
    protocol::{Dialect, Registration, TokenSet},
    store::ErrorChain,
    tower::HyperTransport,
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, User,
};

const BRAND: &str = "example";

/// Starts the provider on a local port.
pub async fn start() -> Result<Emulator, Failure> {
    // The application chooses the crypto provider of rustls.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Emulator::plain().user(User::new("alice"));
    Ok(provider.user(User::new("bob")).start().await?)
}

/// Builds the engine of an application that calls the API at this origin.
pub fn accounts(provider: &Emulator, api: &str) -> Result<Accounts, Failure> {
    let mut dialect = Dialect::rfc6749(BRAND, provider.base())?;
    dialect.api_origins = vec![api.to_owned().try_into()?];
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let client = dialect.with(registration.secret(DEFAULT_CLIENT_SECRET))?;
    let builder = Accounts::builder(MemoryStore::new()).provider(client);
    Ok(builder.transport(HyperTransport::new()?).build()?)
}

/// Connects an account with tokens that the application already has. `axum_backend.rs` has a login.
pub async fn connect(
    accounts: &Accounts,
    provider: &Emulator,
    login: &str,
) -> Result<Account, Failure> {
    let account = accounts.account(BRAND, login)?;
    let issued = provider.issue_tokens(login)?;
    let tokens = TokenSet::new(issued.access_token).with_refresh_token(issued.refresh_token);
    account.adopt(tokens).await?;
    Ok(account)
}

/// Returns the user whose token a request carries, as an API asks its provider. `None`: it carries
/// no valid one.
pub async fn user_of(provider: &Emulator, headers: &HeaderMap) -> Option<String> {
    let token = headers.get(AUTHORIZATION)?;
    let question = Request::get("/api/me").header(AUTHORIZATION, token);
    let answer = provider
        .call(question.body(Bytes::new()).ok()?)
        .await
        .ok()?;
    let user: Value = serde_json::from_slice(answer.body()).ok()?;
    Some(user.get("login")?.as_str()?.to_owned())
}

/// An error with which a program ends. It is shown by its text and the texts of its causes.
pub struct Failure(Box<dyn std::error::Error + Send + Sync>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ErrorChain::of(&*self.0))
    }
}
