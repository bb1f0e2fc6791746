//! Engines whose accounts have valid or expired tokens.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use tokenkeeper_engine::{
    Account, Accounts, Options, RequestBody, Transport, TransportError,
    protocol::{Registration, TokenSet},
    store::TokenStore,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_store_memory::MemoryStore;

use crate::DiscardStore;

/// Returns a token of 800 bytes, the size of a large provider's signed token.
#[must_use]
pub fn token() -> String {
    "abcdefgh".repeat(100)
}

/// A transport for benches that never send a token request.
#[derive(Debug)]
pub struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn send(
        &self,
        _: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::NotSent(
            "a valid token needs no refresh".into(),
        ))
    }
}

/// An engine with its own runtime, for calls that never wait.
#[derive(Debug)]
pub struct Engine {
    /// The accounts, all at one provider.
    pub accounts: Accounts,
    runtime: tokio::runtime::Runtime,
}

/// Creates an engine over a memory store, within a runtime.
///
/// # Panics
/// If called outside a runtime.
#[must_use]
pub fn accounts(transport: impl Transport) -> Accounts {
    accounts_over(MemoryStore::new(), transport)
}

/// Creates an engine over the given store, within a runtime.
///
/// # Panics
/// If called outside a runtime.
#[must_use]
pub fn accounts_over(store: impl TokenStore, transport: impl Transport) -> Accounts {
    accounts_with(store, transport, Options::default())
}

/// Creates an engine over the given store and with the given options, within a runtime.
///
/// # Panics
/// If called outside a runtime, or with invalid options.
#[must_use]
pub fn accounts_with(
    store: impl TokenStore,
    transport: impl Transport,
    options: Options,
) -> Accounts {
    let provider = Amiqus::new(registration()).expect("the registration has a secret");
    Accounts::builder(store)
        .provider(provider)
        .transport(transport)
        .options(options)
        .build()
        .expect("store, provider and transport are set")
}

/// Returns the application's registration at any provider.
///
/// # Panics
/// Never: the redirect URI is valid.
#[must_use]
pub fn registration() -> Registration {
    Registration::new("client-1", "https://app.example/callback").secret("secret-1")
}

/// Returns tokens that expire after `lifetime`.
#[must_use]
pub fn tokens(lifetime: Duration) -> TokenSet {
    TokenSet::new(token())
        .with_refresh_token("refresh-1")
        .with_expires_at(SystemTime::now() + lifetime)
}

/// Returns the account of this subject at the engine's only provider.
///
/// # Panics
/// If the subject is empty.
#[must_use]
pub fn account(accounts: &Accounts, subject: &str) -> Account {
    let account = accounts.account("amiqus", subject);
    account.expect("the subject is not empty")
}

/// Returns the account of this subject with these tokens.
///
/// # Panics
/// If the store refuses the tokens.
pub async fn connect(accounts: &Accounts, subject: &str, tokens: TokenSet) -> Account {
    let account = account(accounts, subject);
    let adopted = account.adopt(tokens).await;
    adopted.expect("the store accepts every write");
    account
}

/// Returns an account whose access token has expired.
///
/// # Panics
/// If the store refuses the tokens.
pub async fn expired(accounts: &Accounts, subject: &str) -> Account {
    let now = SystemTime::now();
    let old = tokens(Duration::ZERO)
        .with_issued_at(now - Duration::from_secs(3600))
        .with_expires_at(now - Duration::from_secs(60));
    connect(accounts, subject, old).await
}

impl Default for Engine {
    fn default() -> Self {
        Self::over(MemoryStore::new())
    }
}

impl Engine {
    /// Creates an engine whose store keeps nothing in this process.
    #[must_use]
    pub fn discarding() -> Self {
        Self::over(DiscardStore)
    }

    fn over(store: impl TokenStore) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without I/O opens no file");
        let inside = runtime.enter();
        let accounts = accounts_over(store, NoTransport);
        drop(inside);
        Self { accounts, runtime }
    }

    /// Returns a URI of the accounts' API.
    #[must_use]
    pub fn api() -> Uri {
        Uri::from_static("https://id.amiqus.co/api/v2/me")
    }

    /// Returns the account of this subject, without tokens.
    ///
    /// # Panics
    /// If the subject is empty.
    #[must_use]
    pub fn account(&self, subject: &str) -> Account {
        account(&self.accounts, subject)
    }

    /// Returns the account of this subject with the given tokens.
    ///
    /// # Panics
    /// If the store refuses the tokens.
    #[must_use]
    pub fn connect(&self, subject: &str, tokens: TokenSet) -> Account {
        self.runtime
            .block_on(connect(&self.accounts, subject, tokens))
    }

    /// Returns the account of this subject with a token that is valid for an hour.
    ///
    /// # Panics
    /// If the store refuses the tokens.
    #[must_use]
    pub fn connected(&self, subject: &str) -> Account {
        self.connect(subject, tokens(Duration::from_secs(3600)))
    }
}
