//! A provider that takes any port of loopback, and a login in progress.

use std::sync::Arc;

use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, Emulator, PlainOptions, RegisteredClient};
use tokenkeeper_engine::{
    Account, Accounts, Options, TestClock,
    protocol::{ClientAuthentication, Dialect, Registration, ResponseMode},
};
use tokenkeeper_login::{LoopbackLogin, Port, StartedLogin};
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_test_support::{BASE, FaultyStore, build_engine, in_process, new_clock, visit};

use crate::browser::Browser;

pub struct World {
    pub clock: TestClock,
    pub emulator: Emulator,
    pub accounts: Accounts,
}

impl World {
    /// A provider that redirects to this redirect URI, whatever the port.
    pub fn new(redirect_uri: &str) -> Self {
        Self::answering(redirect_uri, ResponseMode::Query)
    }

    pub fn answering(redirect_uri: &str, mode: ResponseMode) -> Self {
        Self::with_dialect(redirect_uri, mode, |_| ())
    }

    /// A provider with a changed dialect.
    pub fn with_dialect(
        redirect_uri: &str,
        mode: ResponseMode,
        change: impl FnOnce(&mut Dialect),
    ) -> Self {
        let clock = new_clock();
        let client = RegisteredClient::new(DEFAULT_CLIENT_ID).redirect_uri(redirect_uri);
        let mut options = PlainOptions::default().any_loopback_port();
        if mode == ResponseMode::Fragment {
            options = options.response_mode(tokenkeeper_emulator::ResponseMode::Fragment);
        }
        let emulator = Emulator::plain().options(options).client(client);
        let emulator = in_process(emulator, &clock);
        let mut dialect = Dialect::rfc6749("acme", BASE).unwrap();
        dialect.authorization.response_mode = mode;
        dialect.token.client_authentication = ClientAuthentication::None;
        change(&mut dialect);
        let registration = Registration::new(DEFAULT_CLIENT_ID, redirect_uri);
        let provider = dialect.with(registration.any_localhost_port()).unwrap();
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let accounts = build_engine(&emulator, store, &clock, provider, Options::default());
        Self {
            clock,
            emulator,
            accounts,
        }
    }

    pub fn account(&self) -> Account {
        self.accounts.account("acme", "user-42").unwrap()
    }

    pub fn login(&self) -> LoopbackLogin {
        LoopbackLogin::new(&self.account()).port(Port::Any)
    }

    /// Starts a login; returns it with a browser, and the URL to which the provider redirects.
    pub async fn start(&self) -> (StartedLogin, Browser, String) {
        let started = self.login().start().await.unwrap();
        let location = self.approve(&started).await;
        (started, Browser::new(), location)
    }

    /// Approves the login, and returns where the provider redirects.
    pub async fn approve(&self, started: &StartedLogin) -> String {
        visit(&self.emulator, &format!("{}&approve=1", started.url())).await
    }

    pub async fn is_connected(&self) -> bool {
        let status = self.account().status().await.unwrap();
        matches!(status, tokenkeeper_engine::Status::Connected(_))
    }
}
