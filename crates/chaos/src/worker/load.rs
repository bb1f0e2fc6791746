//! What a worker does all day: it calls the API for all accounts, and connects and disconnects some where told to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper::{
    Account, Accounts, Error, Status,
    protocol::Redirect,
    tower::{Replay, TokenLayer},
};
use tokio::task::{AbortHandle, JoinSet};
use tower::{Layer as _, ServiceExt as _};

use super::{Mouth, stuck};
use crate::{
    BoxError, causes,
    random::Random,
    said::{Calls, End, Mark, Said},
    terms,
};

/// An application that uses the accounts.
#[derive(Clone)]
pub(crate) struct Load {
    accounts: Accounts,
    mouth: Mouth,
    /// A resource of the API.
    api: Arc<str>,
    client: legacy::Client<HttpConnector, Replay<Empty<Bytes>>>,
    browser: legacy::Client<HttpConnector, Empty<Bytes>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    tokens: AtomicU64,
    failures: AtomicU64,
    served: AtomicU64,
    rejected: AtomicU64,
    broken: AtomicU64,
}

/// How long the audit of an account may take, the wait for what is still under way included.
const AUDIT: Duration = Duration::from_secs(20);

impl Load {
    pub(crate) fn new(accounts: Accounts, provider: &str, mouth: Mouth) -> Self {
        Self {
            accounts,
            mouth,
            api: format!("{provider}/api/v2/me").into(),
            client: legacy::Client::builder(TokioExecutor::new()).build_http(),
            browser: legacy::Client::builder(TokioExecutor::new()).build_http(),
            counts: Arc::default(),
        }
    }

    /// Works for all accounts until it is aborted.
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
                load.mouth.say(Said::Calls(load.counts.take()));
            }
        });
        tokio::spawn(async move { while tasks.join_next().await.is_some() {} }).abort_handle()
    }

    /// Now and then asks for a token, or calls the API.
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
                self.mouth.say(Said::Refused {
                    account: number,
                    cause,
                });
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }

    async fn call(&self, account: &Account) -> Result<Outcome, Error> {
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

    /// A person logs in. In a task of its own.
    pub(crate) fn connect(&self, account: usize) {
        let load = self.clone();
        tokio::spawn(async move {
            let result = load.log_in(account).await;
            let error = result.err().map(|error| causes(&*error));
            load.mouth.say(Said::LoginOver { account, error });
        });
    }

    async fn log_in(&self, number: usize) -> Result<(), BoxError> {
        let start = self.account(number)?.connect()?;
        // A person would click; the emulator takes this for the click.
        let page = format!("{}&approve={}", start.url, terms::login(number));
        let request = Request::get(page).body(Empty::new())?;
        let answer = self.browser.request(request).await?;
        let location = answer.headers().get("location");
        let location = location
            .ok_or("the authorization page does not redirect")?
            .to_str()?;
        let (_, query) = location
            .split_once('?')
            .ok_or("the redirect brings nothing")?;
        let code = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "code")
            .ok_or("the redirect has no code")?;
        self.mouth.say(Said::Login {
            account: number,
            code: Mark::of(&code.1),
        });
        self.accounts
            .finish(start.flow, Redirect::query(query))
            .await?;
        Ok(())
    }

    /// A person disconnects. In a task of its own.
    pub(crate) fn disconnect(&self, account: usize) {
        let load = self.clone();
        tokio::spawn(async move {
            load.mouth.say(Said::Ending { account });
            let result = match load.account(account) {
                Ok(account) => account.disconnect().await,
                Err(error) => Err(error),
            };
            let error = result.err().map(|error| causes(&error));
            load.mouth.say(Said::EndingOver { account, error });
        });
    }

    /// Sees how each account is.
    pub(crate) async fn audit(&self, accounts: usize) {
        let mut audits = JoinSet::new();
        for account in 0..accounts {
            let load = self.clone();
            audits.spawn(async move {
                let end = load.look_at(account).await;
                load.mouth.say(Said::Audit { account, end });
            });
        }
        audits.join_all().await;
    }

    async fn look_at(&self, number: usize) -> End {
        let account = match self.account(number) {
            Ok(account) => account,
            Err(error) => return stuck(&error),
        };
        let until = Instant::now() + AUDIT;
        loop {
            let end = self.try_out(&account).await;
            if !matches!(end, End::Stuck { .. }) || Instant::now() > until {
                return end;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn try_out(&self, account: &Account) -> End {
        match account.status().await {
            Ok(Status::NotConnected) => return End::NotConnected,
            Ok(Status::Disconnected { .. }) => return End::Disconnected,
            Ok(_) => {}
            Err(error) => return stuck(&error),
        }
        match account.refresh().await {
            Ok(_) => {}
            Err(Error::ReauthorizationRequired { cause, .. }) => {
                return End::Lost {
                    cause: cause.to_string(),
                };
            }
            Err(error) => return stuck(&error),
        }
        match self.call(account).await {
            Ok(Outcome::Status(StatusCode::OK)) => End::Works,
            Ok(Outcome::Status(status)) => End::Stuck {
                why: format!("the API answers {status}"),
            },
            Ok(Outcome::Token | Outcome::Broken) => End::Stuck {
                why: "the API gives no answer".into(),
            },
            Err(error) => stuck(&error),
        }
    }

    fn account(&self, number: usize) -> Result<Account, Error> {
        self.accounts.account("amiqus", &terms::subject(number))
    }
}

/// Why the person has to log in, if that is what the error says.
fn needs_login(error: &Error) -> Option<String> {
    match error {
        Error::ReauthorizationRequired { cause, .. } => Some(cause.to_string()),
        Error::Disconnected { .. } => Some("disconnected".to_owned()),
        Error::NotConnected { .. } => Some("not connected".to_owned()),
        _ => None,
    }
}

enum Outcome {
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
