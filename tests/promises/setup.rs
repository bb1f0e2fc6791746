//! An engine over an emulator, set up as an application does it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokenkeeper::{
    Account, Accounts, AccountsBuilder, MemoryStore,
    protocol::{Registration, TokenSet},
    providers::Amiqus,
    store::TokenStore,
    transport::HyperTransport,
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator,
    IssuedTokens,
};

pub const SECOND: Duration = Duration::from_secs(1);

/// An emulator on a free port, and an engine with one account whose access token has expired.
pub struct Setup {
    pub emulator: Emulator,
    pub accounts: Accounts,
    pub account: Account,
}

impl Setup {
    /// Over a store in memory.
    pub async fn expired() -> Self {
        Self::expired_in(MemoryStore::new()).await
    }

    /// Over `store`.
    pub async fn expired_in(store: impl TokenStore) -> Self {
        let emulator = Emulator::amiqus().start().await.unwrap();
        let accounts = builder(store, emulator.base()).build().unwrap();
        let account = accounts.account("amiqus", "user-42").unwrap();
        let issued = emulator.issue_tokens(DEFAULT_USER).unwrap();
        account.adopt(expired(issued)).await.unwrap();
        emulator.expire_access_tokens();
        Self {
            emulator,
            accounts,
            account,
        }
    }

    /// Another engine over `store` finds the tokens of one refresh.
    pub async fn assert_refreshed_once(&self, store: impl TokenStore) {
        let next = builder(store, self.emulator.base()).build().unwrap();
        let account = next.account("amiqus", "user-42").unwrap();
        assert_eq!(account.token().await.unwrap().generation(), 2);
        assert_eq!(self.emulator.counters().refreshes(), 1);
    }

    /// The URL of the provider's API.
    pub fn api(&self) -> String {
        let api = self.emulator.url(tokenkeeper_emulator::Endpoint::Api);
        api.expect("Amiqus has an API")
    }
}

/// An engine that sends its token requests over HTTP to the emulator of Amiqus at `base`.
pub fn builder(store: impl TokenStore, base: &str) -> AccountsBuilder {
    Accounts::builder(store)
        .provider(Amiqus::new(registration()).unwrap().base(base).unwrap())
        .transport(transport())
}

pub fn transport() -> HyperTransport {
    HyperTransport::with_crypto(Arc::new(rustls::crypto::ring::default_provider())).unwrap()
}

pub fn registration() -> Registration {
    Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).secret(DEFAULT_CLIENT_SECRET)
}

/// Tokens whose access token expired a minute ago.
pub fn expired(issued: IssuedTokens) -> TokenSet {
    let now = SystemTime::now();
    TokenSet::new(issued.access_token)
        .with_refresh_token(issued.refresh_token)
        .with_issued_at(now - 3600 * SECOND)
        .with_expires_at(now - 60 * SECOND)
}
