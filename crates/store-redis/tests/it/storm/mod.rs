//! Many tasks of many processes that want a token of one account, all at once. The tests of the store in SQLite use it too.

mod child;
mod loopback;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator,
    Endpoint, Fault,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_session::protocol::{Registration, TokenSet};
use tokenkeeper_session::{Account, Accounts, Options};
use tokenkeeper_store::TokenStore;
use tokio::sync::Barrier;

pub(crate) use self::child::storm_of_children;
use self::loopback::Loopback;
use crate::support::sealed;

pub(crate) const PROCESSES: usize = 8;
pub(crate) const TASKS: usize = 64;

/// How long the token endpoint takes.
const ENDPOINT: Duration = Duration::from_millis(50);

/// No test waits for so long, unless it fails.
const LIMIT: Duration = Duration::from_secs(60);

/// What a process is: an engine with connections of its own.
pub(crate) async fn engine(store: &str, base: &str) -> Accounts {
    engine_over(sealed(store).await, base)
}

pub(crate) fn engine_over(store: impl TokenStore, base: &str) -> Accounts {
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let registration = registration.expect("valid").secret(DEFAULT_CLIENT_SECRET);
    let provider = Amiqus::new(registration).and_then(|provider| provider.base(base));
    // No call ends for being slow.
    let options = Options {
        wait: LIMIT,
        deadline: LIMIT,
        lease: 3 * LIMIT,
        ..Options::default()
    };
    Accounts::builder(store)
        .provider(provider.expect("valid"))
        .transport(Loopback)
        .options(options)
        .build()
        .expect("an engine")
}

pub(crate) fn account(accounts: &Accounts) -> Account {
    accounts.account("amiqus", "user-42").expect("a name")
}

/// Tokens that live for an hour from that time on.
pub(crate) fn tokens(emulator: &Emulator, issued_at: SystemTime) -> TokenSet {
    let tokens = emulator.issue_tokens(DEFAULT_USER).expect("tokens");
    TokenSet::new(tokens.access_token)
        .with_refresh_token(tokens.refresh_token)
        .with_issued_at(issued_at)
        .with_expires_at(issued_at + Duration::from_secs(3600))
}

/// A provider whose refresh tokens work once, and an account of it in this store whose access token has expired.
pub(crate) async fn expired(store: &str) -> Emulator {
    let emulator = Emulator::amiqus().start().await.expect("an emulator");
    let slow = Fault::Delay(ENDPOINT);
    emulator.faults().always(Endpoint::Token, slow);
    let engine = engine(store, emulator.base()).await;
    let expired = tokens(&emulator, SystemTime::now() - Duration::from_secs(7200));
    account(&engine).adopt(expired).await.expect("adopted");
    emulator.reset_counters();
    emulator
}

/// Each of so many tasks of each engine wants a token, all at once; returns those that they got.
pub(crate) async fn storm(engines: &[Accounts]) -> Vec<String> {
    let start = Arc::new(Barrier::new(engines.len() * TASKS));
    let mut tasks = Vec::new();
    for engine in engines {
        for _ in 0..TASKS {
            let (start, account) = (start.clone(), account(engine));
            tasks.push(tokio::spawn(async move {
                start.wait().await;
                let token = account.token().await.expect("a token");
                token.expose().to_owned()
            }));
        }
    }
    let mut tokens = Vec::new();
    for task in tasks {
        tokens.push(task.await.expect("a task"));
    }
    tokens
}
