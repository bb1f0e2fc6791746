//! A worker's load: it asks for tokens and calls the API, for all accounts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper::{
    Account, Accounts, Error,
    tower::{Replay, TokenLayer},
};
use tokio::task::{AbortHandle, JoinSet};
use tower::{Layer as _, ServiceExt as _};

use super::EventWriter;
use crate::{
    config,
    message::{Calls, WorkerEvent},
    random::Random,
};

/// An application that uses the accounts.
#[derive(Clone)]
pub(crate) struct Load {
    pub(super) accounts: Accounts,
    pub(super) events: EventWriter,
    /// The URL of the API.
    api: Arc<str>,
    client: legacy::Client<HttpConnector, Replay<Empty<Bytes>>>,
    pub(super) browser: legacy::Client<HttpConnector, Empty<Bytes>>,
    counts: Arc<Counts>,
    /// The number of logins and disconnects that this worker started.
    ops: Arc<AtomicU64>,
}

/// Counters behind [`Calls`].
#[derive(Debug, Default)]
struct Counts {
    tokens: AtomicU64,
    failures: AtomicU64,
    served: AtomicU64,
    rejected: AtomicU64,
    broken: AtomicU64,
}

impl Load {
    pub(crate) fn new(accounts: Accounts, provider: &str, events: EventWriter) -> Self {
        Self {
            accounts,
            events,
            api: format!("{provider}/api/v2/me").into(),
            client: legacy::Client::builder(TokioExecutor::new()).build_http(),
            browser: legacy::Client::builder(TokioExecutor::new()).build_http(),
            counts: Arc::default(),
            ops: Arc::default(),
        }
    }

    /// Returns the number of the next login or disconnect.
    pub(super) fn next_op(&self) -> u64 {
        self.ops.fetch_add(1, Ordering::Relaxed)
    }

    /// Starts the load on all accounts, until it is aborted.
    pub(crate) fn start(&self, accounts: usize, mut random: Random) -> AbortHandle {
        let mut tasks = JoinSet::new();
        for number in 0..accounts {
            let random = Random::new(random.number());
            tasks.spawn(self.clone().work(number, random));
        }
        let load = self.clone();
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                load.events.write(WorkerEvent::Calls(load.counts.take()));
            }
        });
        tokio::spawn(async move { while tasks.join_next().await.is_some() {} }).abort_handle()
    }

    /// Asks for a token or calls the API, again and again.
    async fn work(self, number: usize, mut random: Random) {
        let Ok(account) = self.account(number) else {
            return;
        };
        loop {
            tokio::time::sleep(random.millis(20, 400)).await;
            let result = if random.chance(80) {
                account.token().await.map(|_| Outcome::Token)
            } else {
                self.call(&account).await
            };
            let counted = match &result {
                Ok(Outcome::Token) => &self.counts.tokens,
                Ok(Outcome::Status(StatusCode::OK)) => &self.counts.served,
                Ok(Outcome::Status(StatusCode::UNAUTHORIZED)) => &self.counts.rejected,
                Ok(Outcome::Status(_) | Outcome::Broken) => &self.counts.broken,
                Err(_) => &self.counts.failures,
            };
            counted.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = result
                && let Some(cause) = needs_login(&error)
            {
                self.events.write(WorkerEvent::LoginRequired {
                    account: number,
                    cause,
                });
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }

    pub(super) async fn call(&self, account: &Account) -> Result<Outcome, Error> {
        let request = Request::get(&*self.api).body(Empty::new());
        let Ok(request) = request else {
            return Ok(Outcome::Broken);
        };
        let service = TokenLayer::new(account.clone()).layer(self.client.clone());
        match service.oneshot(request).await {
            Ok(response) => Ok(Outcome::Status(response.status())),
            Err(error) => match Error::find(&*error) {
                Some(ours) => Err(ours.clone()),
                None => Ok(Outcome::Broken),
            },
        }
    }

    pub(super) fn account(&self, number: usize) -> Result<Account, Error> {
        self.accounts.account("amiqus", &config::subject(number))
    }
}

/// Returns why the user must log in, if the error is such a one.
fn needs_login(error: &Error) -> Option<String> {
    match error {
        Error::ReauthorizationRequired { cause, .. } => Some(cause.to_string()),
        Error::Disconnected { .. } => Some("disconnected".to_owned()),
        Error::NotConnected { .. } => Some("not connected".to_owned()),
        _ => None,
    }
}

/// The result of a call.
pub(super) enum Outcome {
    Token,
    Status(StatusCode),
    Broken,
}

impl Counts {
    fn take(&self) -> Calls {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Calls {
            tokens: take(&self.tokens),
            failures: take(&self.failures),
            served: take(&self.served),
            rejected: take(&self.rejected),
            broken: take(&self.broken),
        }
    }
}
