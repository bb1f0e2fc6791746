//! An engine whose accounts have valid tokens.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use tokenkeeper_engine::{
    Account, Accounts, Options, Transport, TransportError,
    protocol::{Registration, TokenSet},
    store::TokenStore,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_store_memory::MemoryStore;

use crate::Elsewhere;

/// A token of 800 bytes, as the signed tokens of large providers are.
#[must_use]
pub fn token() -> String {
    "abcdefgh".repeat(100)
}

/// A valid token is never refreshed, so nothing is ever sent.
#[derive(Debug)]
pub struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::NotSent(
            "a valid token asks for nothing".into(),
        ))
    }
}

/// An engine with a runtime of its own, for what waits for nothing.
#[derive(Debug)]
pub struct Engine {
    /// Its accounts, all at one provider.
    pub accounts: Accounts,
    runtime: tokio::runtime::Runtime,
}

/// An engine over a store in memory, made inside of a runtime.
///
/// # Panics
/// Outside of one.
#[must_use]
pub fn accounts(transport: impl Transport) -> Accounts {
    accounts_over(MemoryStore::new(), transport)
}

/// An engine over another store, made inside of a runtime.
///
/// # Panics
/// Outside of one.
#[must_use]
pub fn accounts_over(store: impl TokenStore, transport: impl Transport) -> Accounts {
    accounts_with(store, transport, Options::default())
}

/// An engine over another store and with other options, made inside of a runtime.
///
/// # Panics
/// Outside of one, and for options that make no sense.
#[must_use]
pub fn accounts_with(
    store: impl TokenStore,
    transport: impl Transport,
    options: Options,
) -> Accounts {
    let registration = Registration::new("client-1", "https://app.example/callback")
        .expect("the redirect URI is https")
        .secret("secret-1");
    Accounts::builder(store)
        .provider(Amiqus::new(registration).expect("the registration has a secret"))
        .transport(transport)
        .options(options)
        .build()
        .expect("store, provider and transport are there")
}

/// Tokens that end so long from now.
#[must_use]
pub fn tokens(lifetime: Duration) -> TokenSet {
    TokenSet::new(token())
        .with_refresh_token("refresh-1")
        .with_expires_at(SystemTime::now() + lifetime)
}

/// An account whose access token has expired.
///
/// # Panics
/// If the store refuses its tokens.
pub async fn expired(accounts: &Accounts, subject: &str) -> Account {
    let account = accounts.account("amiqus", subject);
    let account = account.expect("the subject is not empty");
    let now = SystemTime::now();
    let old = tokens(Duration::ZERO)
        .with_issued_at(now - Duration::from_secs(3600))
        .with_expires_at(now - Duration::from_secs(60));
    account
        .adopt(old)
        .await
        .expect("the store takes every write");
    account
}

impl Default for Engine {
    fn default() -> Self {
        Self::over(MemoryStore::new())
    }
}

impl Engine {
    /// An engine whose store is in no process that is measured.
    #[must_use]
    pub fn elsewhere() -> Self {
        Self::over(Elsewhere)
    }

    fn over(store: impl TokenStore) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime with nothing but a timer needs nothing");
        let inside = runtime.enter();
        let accounts = accounts_over(store, NoTransport);
        drop(inside);
        Self { accounts, runtime }
    }

    /// Where the accounts' API is.
    #[must_use]
    pub fn api() -> Uri {
        Uri::from_static("https://id.amiqus.co/api/v2/me")
    }

    /// The account of this subject, without tokens.
    ///
    /// # Panics
    /// For an empty subject.
    #[must_use]
    pub fn account(&self, subject: &str) -> Account {
        self.accounts
            .account("amiqus", subject)
            .expect("the subject is not empty")
    }

    /// The account of this subject, with a token that is valid for an hour.
    ///
    /// # Panics
    /// If the store in memory refuses it.
    #[must_use]
    pub fn connected(&self, subject: &str) -> Account {
        let account = self.account(subject);
        self.runtime
            .block_on(account.adopt(tokens(Duration::from_secs(3600))))
            .expect("memory takes every write");
        account
    }
}
