//! Fills a store with connected accounts, without logins.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use tokenkeeper_benches::{NoTransport, registration, token};
use tokenkeeper_engine::{
    Accounts, Options, Transport,
    protocol::{Dialect, TokenSet},
    store::TokenStore,
};

use crate::{provider::refresh_token, testbed};

/// The provider of most accounts.
pub(crate) const FIRST: &str = "first";
/// Another provider at the same endpoint.
pub(crate) const OTHER: &str = "other";

const PATIENCE: Duration = Duration::from_secs(30);
const AT_ONCE: usize = 128;

/// When the tokens of an account are due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// An outage made them expire.
    Now,
    /// At some time within this duration; they expire shortly after it.
    Within(Duration),
    /// In weeks.
    Later,
}

/// Accounts to connect, numbered from `from`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) brand: &'static str,
    pub(crate) from: usize,
    pub(crate) count: usize,
    pub(crate) due: Due,
}

/// An account's times in the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) due: SystemTime,
    pub(crate) expires_at: SystemTime,
}

/// Builds the engine of a worker.
pub(crate) fn engine(
    store: Arc<dyn TokenStore>,
    endpoint: &str,
    worker: usize,
    transport: impl Transport,
) -> Accounts {
    let provider = |brand: &str| {
        let dialect = Dialect::rfc6749(brand, endpoint);
        let client = dialect.and_then(|dialect| dialect.with(registration()));
        client.expect("loopback needs no TLS")
    };
    // Otherwise the accounts of `Due::Within` could not be due within seconds.
    let options = Options::new()
        .min_refresh_interval(Duration::from_secs(1))
        .refresh_window(Duration::from_secs(2), Duration::from_secs(300));
    Accounts::builder(store)
        .provider(provider(FIRST))
        .provider(provider(OTHER))
        .user_agent(format!("worker-{worker}"))
        .transport(transport)
        .options(options)
        .build()
        .expect("all settings are valid")
}

/// Returns the subject of an account.
pub(crate) fn subject(account: usize) -> String {
    format!("user-{account}")
}

/// Connects the accounts of all batches, and returns the times of those that are due within some
/// time, by number.
pub(crate) async fn fill(store: &str, endpoint: &str, batches: &[Batch]) -> HashMap<usize, Times> {
    let store = testbed::open(store, PATIENCE).await;
    let accounts = engine(store.clone(), endpoint, 0, NoTransport);
    let times = Mutex::new(HashMap::new());
    for batch in batches {
        let next = AtomicUsize::new(batch.from);
        let fillers = (0..AT_ONCE).map(|_| async {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= batch.from + batch.count {
                    break;
                }
                let account = accounts.account(batch.brand, &subject(number));
                let account = account.expect("the subject is not empty");
                let (tokens, expires_at) = tokens(number, batch.due);
                let adopted = account.adopt(tokens).await;
                adopted.expect("the store accepts every write");
                if let Due::Within(_) = batch.due {
                    let entry = store.get(&account.key()).await.expect("the store answers");
                    let due = entry.and_then(|entry| entry.due).expect("it is due");
                    let mut times = times.lock().expect("nothing panics under the lock");
                    times.insert(number, Times { due, expires_at });
                }
            }
        });
        join_all(fillers).await;
    }
    let shutdown = accounts.shutdown(PATIENCE).await;
    shutdown.expect("everything is written");
    times.into_inner().expect("nothing panics under the lock")
}

fn tokens(account: usize, due: Due) -> (TokenSet, SystemTime) {
    let now = SystemTime::now();
    let (issued_at, expires_at) = match due {
        Due::Now => (
            now - Duration::from_secs(3660),
            now - Duration::from_secs(60),
        ),
        Due::Within(time) => (now, now + time),
        Due::Later => (now, now + Duration::from_secs(90 * 24 * 60 * 60)),
    };
    let tokens = TokenSet::new(token())
        .with_refresh_token(refresh_token(account, 0))
        .with_issued_at(issued_at)
        .with_expires_at(expires_at);
    (tokens, expires_at)
}
