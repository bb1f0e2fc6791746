//! Many tasks of many processes ask for a token of one account at once.
//!
//! The tests of the store in SQLite include this module too.

mod child;
mod loopback;
pub(crate) mod process;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator,
    Endpoint, Fault,
};
use tokenkeeper_engine::protocol::{Registration, TokenSet};
use tokenkeeper_engine::{Account, Accounts, Options};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_store::TokenStore;
use tokio::sync::Barrier;

use self::child::Child;
use self::loopback::Loopback;
use crate::support::sealed;

pub(crate) const PROCESSES: usize = 8;
pub(crate) const TASKS: usize = 64;

/// The environment variable for the number of storms, each on its own account; 10 by default.
const STORMS: &str = "TOKENKEEPER_TEST_STORMS";

/// The delay of the token endpoint.
const ENDPOINT: Duration = Duration::from_millis(50);

/// A timeout that only a failure reaches.
const LIMIT: Duration = Duration::from_secs(60);

/// An engine with its own connections, as each process has.
pub(crate) async fn engine(store: &str, base: &str) -> Accounts {
    engine_over(sealed(store).await, base)
}

/// Options with timeouts that no slow call reaches.
pub(crate) fn patient() -> Options {
    Options::new()
        .acquire_timeout(LIMIT)
        .exchange_timeout(LIMIT)
        .lease(3 * LIMIT)
}

pub(crate) fn engine_over(store: impl TokenStore, base: &str) -> Accounts {
    engine_with(store, base, patient())
}

pub(crate) fn engine_with(store: impl TokenStore, base: &str, options: Options) -> Accounts {
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let registration = registration.secret(DEFAULT_CLIENT_SECRET);
    let provider = Amiqus::new(registration).and_then(|provider| provider.base(base));
    Accounts::builder(store)
        .provider(provider.expect("valid"))
        .transport(Loopback)
        .options(options)
        .build()
        .expect("an engine")
}

pub(crate) fn account(accounts: &Accounts) -> Account {
    account_of(accounts, "user-42")
}

fn account_of(accounts: &Accounts, subject: &str) -> Account {
    accounts.account("amiqus", subject).expect("a name")
}

/// Tokens that are valid for an hour from `issued_at`.
pub(crate) fn tokens(emulator: &Emulator, issued_at: SystemTime) -> TokenSet {
    let tokens = emulator.issue_tokens(DEFAULT_USER).expect("tokens");
    TokenSet::new(tokens.access_token)
        .with_refresh_token(tokens.refresh_token)
        .with_issued_at(issued_at)
        .with_expires_at(issued_at + Duration::from_secs(3600))
}

/// A provider with single-use refresh tokens, and an account in the store with an expired token.
pub(crate) async fn expired(store: &str) -> Emulator {
    let emulator = provider().await;
    let engine = engine(store, emulator.base()).await;
    adopt_expired(&account(&engine), &emulator).await;
    emulator
}

async fn provider() -> Emulator {
    let emulator = Emulator::amiqus().start().await.expect("an emulator");
    let slow = Fault::Delay(ENDPOINT);
    emulator.faults().always(Endpoint::Token, slow);
    emulator
}

async fn adopt_expired(account: &Account, emulator: &Emulator) {
    let expired = tokens(emulator, SystemTime::now() - Duration::from_secs(7200));
    account.adopt(expired).await.expect("adopted");
}

/// Starts child processes, whose tasks all ask for a token at once: ten times, each time of a new
/// account with an expired access token.
///
/// Each time the provider must see one token request, and all tasks must get the same token.
pub(crate) async fn storms_of_processes(store: &str) {
    let emulator = provider().await;
    let engine = engine(store, emulator.base()).await;
    let children = (0..PROCESSES).map(|_| Child::start(store, emulator.base()));
    let mut children: Vec<Child> = children.collect();
    tokio::task::block_in_place(|| children.iter_mut().for_each(Child::wait_until_ready));
    for number in 0..storms() {
        let subject = format!("user-{number}");
        adopt_expired(&account_of(&engine, &subject), &emulator).await;
        emulator.reset_counters();
        let got = tokio::task::block_in_place(|| {
            children.iter_mut().for_each(|child| child.begin(&subject));
            let got = children.iter_mut().flat_map(Child::tokens);
            got.collect::<Vec<String>>()
        });
        assert_eq!(got.len(), PROCESSES * TASKS);
        assert!(got.iter().all(|token| *token == got[0]), "storm {number}");
        let counters = emulator.counters();
        assert_eq!(counters.token_requests, 1, "storm {number}: {counters:?}");
    }
    println!("{} storms, one token request each", storms());
}

fn storms() -> usize {
    match std::env::var(STORMS) {
        Ok(number) => number.parse().expect("a number of storms"),
        Err(_) => 10,
    }
}

/// Asks for a token in 64 tasks per account at once, and returns the tokens.
pub(crate) async fn storm(accounts: &[Account]) -> Vec<String> {
    let start = Arc::new(Barrier::new(accounts.len() * TASKS));
    let mut tasks = Vec::new();
    for account in accounts {
        for _ in 0..TASKS {
            let (start, account) = (start.clone(), account.clone());
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
