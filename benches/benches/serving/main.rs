//! 64 tasks that call a local API for random accounts among 100,000, next to a static header.
//!
//! ```text
//! cargo bench --bench serving -- [--quick] [--accounts N] [--parts]
//! ```
//!
//! The API is another process, and both forms use the same hyper client in turns, so the ratio of
//! this process's time a call is what tokenkeeper costs. The store is its own Redis server.
//! A map of as many headers shows the floor: what it costs that the tokens of many accounts are not
//! in the processor's cache. `--parts` adds rows that leave out a part each, which shows what the
//! part costs.

mod api;
mod load;

use std::{
    collections::HashMap,
    fmt::Debug,
    future::ready,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Request, Response};
use http_body_util::Empty;
use hyper::body::Body;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokenkeeper_benches::{
    Answer, Endpoint, RedisServer, Scale, connect, registration, token, tokens,
};
use tokenkeeper_engine::Accounts;
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_tower::{TokenLayer, TokenPolicy};
use tower::{Layer, Service, layer::util::Identity};
use tower_http::auth::AddAuthorizationLayer;

use self::{
    api::Api,
    load::{Load, Sample, Target, account, subject},
};

fn main() {
    if std::env::args().any(|argument| argument == api::ARGUMENT) {
        return api::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime starts").block_on(measure());
}

async fn measure() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let api = Api::start();
    let bench = Bench {
        load: Load::new(&api),
        base: api.base.clone(),
        accounts: accounts(),
        redis,
    };
    println!(
        "| when | µs a call, a static header | tokenkeeper | ratio \
         | calls a second, a static header | tokenkeeper | ratio |\n|---|---|---|---|---|---|---|"
    );
    bench.at_rest().await;
    bench.with_expiries().await;
}

/// Returns the number of accounts.
fn accounts() -> usize {
    let mut arguments = std::env::args();
    let named = arguments.find(|argument| argument == "--accounts");
    let number = named.and_then(|_| arguments.next());
    let number = number.map(|number| number.parse().expect("a number"));
    number.unwrap_or(match Scale::from_args() {
        Scale::Test => 100,
        Scale::Quick => 10_000,
        Scale::Full => 100_000,
    })
}

struct Bench {
    load: Load,
    base: String,
    accounts: usize,
    redis: RedisServer,
}

impl Bench {
    /// Measures the first minute, in which nothing is compared with the store, and the next one.
    async fn at_rest(&self) {
        let engine = self.engine("rest:").await;
        fill(&engine, 0..self.accounts, |_| HOUR).await;
        let compared = Instant::now() + Duration::from_secs(60);
        let target = Target::Subject(engine.clone(), self.accounts);
        let layer = TokenLayer::per_request(&engine);
        self.alternate("in the first minute", &layer, &target).await;
        if Scale::from_args() != Scale::Test {
            tokio::time::sleep_until(compared.into()).await;
        }
        self.alternate("in the next", &layer, &target).await;
        let map = Target::Header(headers(self.accounts).into());
        self.alternate(
            "a map of headers, without tokenkeeper",
            &Identity::new(),
            &map,
        )
        .await;
        if std::env::args().any(|argument| argument == "--parts") {
            self.parts(&engine).await;
        }
    }

    /// Measures ten seconds in which a twentieth of the accounts become due.
    async fn with_expiries(&self) {
        let engine = self.engine("expiries:").await;
        let expiring = (self.accounts / 20).max(1);
        fill(&engine, expiring..self.accounts, |_| HOUR).await;
        let (slice, rounds) = slices();
        let before = self.fixed(slice * rounds).await;
        // A token is refreshed when half of so short a life is over.
        let lifetime =
            |account| Duration::from_millis(10_000 + (account * 10_000 / expiring) as u64);
        fill(&engine, 0..expiring, lifetime).await;
        let time = Scale::from_args().pick(slice, Duration::from_secs(10));
        let layer = TokenLayer::per_request(&engine);
        let target = Target::Subject(engine, self.accounts);
        let ours = self.load.run(&layer, &target, time).await;
        let after = self.fixed(slice * rounds).await;
        self.print("while 5 % expire", &[(before, ours), (after, ours)]);
    }

    /// Measures what is left without some of the work.
    async fn parts(&self, engine: &Accounts) {
        let all = self.accounts;
        let replay = TokenLayer::per_request(engine);
        let once = TokenLayer::new(TokenPolicy::per_request(engine).replay(false));
        let subject = Target::Subject(engine.clone(), all);
        self.alternate("without replay", &once, &subject).await;
        let handles: Vec<_> = (0..all).map(|number| account(engine, number)).collect();
        let one = Target::Handle(handles[..1].into());
        let handles = Target::Handle(handles.into());
        self.alternate("without lookup", &replay, &handles).await;
        self.alternate("without both", &once, &handles).await;
        self.alternate("the account of all requests", &replay, &one)
            .await;
        let layer = TokenLayer::new(account(engine, 0));
        self.alternate("the account of the layer", &layer, &Target::None)
            .await;
        let layer = TokenLayer::new(TokenPolicy::new(account(engine, 0)).replay(false));
        self.alternate("the same without replay", &layer, &Target::None)
            .await;
        let layer = AddAuthorizationLayer::bearer(&token());
        let dropped = Target::Dropped(engine.clone(), all);
        self.alternate("a lookup and a static header", &layer, &dropped)
            .await;
        self.alternate("a static header", &layer, &Target::None)
            .await;
    }

    /// Measures a static header and a layer in turns, and prints a row.
    async fn alternate<L, B, S, R>(&self, when: &str, layer: &L, target: &Target)
    where
        L: Layer<Client<HttpConnector, B>, Service = S>,
        S: Service<Request<Empty<Bytes>>, Response = Response<R>, Error: Debug, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + Unpin
            + 'static,
        R: Body<Data: Send, Error: Debug> + Send,
    {
        let (slice, rounds) = slices();
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let fixed = self.fixed(slice).await;
            pairs.push((fixed, self.load.run(layer, target, slice).await));
        }
        self.print(when, &pairs);
    }

    async fn fixed(&self, time: Duration) -> Sample {
        let layer = AddAuthorizationLayer::bearer(&token());
        self.load.run(&layer, &Target::None, time).await
    }

    async fn engine(&self, prefix: &str) -> Accounts {
        let provider = Amiqus::new(registration()).expect("the registration has a secret");
        Accounts::builder(self.redis.store(prefix).await)
            .provider(provider.base(&self.base).expect("loopback needs no TLS"))
            .transport(Endpoint::new(Answer::Tokens, Duration::from_millis(5)))
            .build()
            .expect("all settings are valid")
    }

    /// Prints the medians of pairs of a static header and tokenkeeper.
    fn print(&self, when: &str, pairs: &[(Sample, Sample)]) {
        let of = |number: fn(&(Sample, Sample)) -> f64| median(pairs.iter().map(number));
        println!(
            "| {when} | {:.2} µs | {:.2} µs | {:.2} × | {:.0} | {:.0} | {:.2} × |",
            of(|(fixed, _)| fixed.cpu),
            of(|(_, ours)| ours.cpu),
            of(|(fixed, ours)| ours.cpu / fixed.cpu),
            of(|(fixed, _)| fixed.rate),
            of(|(_, ours)| ours.rate),
            of(|(fixed, ours)| ours.rate / fixed.rate),
        );
    }
}

/// Returns a separate header for each subject, as long as a token.
fn headers(accounts: usize) -> HashMap<String, HeaderValue> {
    let header = || format!("Bearer {}", token()).parse();
    (0..accounts)
        .map(|number| (subject(number), header().expect("it is ASCII")))
        .collect()
}

const HOUR: Duration = Duration::from_secs(3600);

/// Returns how long each form is called in its turn, and the number of turns.
fn slices() -> (Duration, u32) {
    match Scale::from_args() {
        Scale::Test => (Duration::from_millis(20), 1),
        Scale::Quick => (Duration::from_millis(300), 5),
        Scale::Full => (Duration::from_millis(500), 15),
    }
}

/// Connects these accounts, with tokens of the lifetime that `lifetime` returns for their number.
async fn fill(
    engine: &Accounts,
    numbers: std::ops::Range<usize>,
    lifetime: impl Fn(usize) -> Duration,
) {
    let connected = numbers.map(|number| {
        let tokens = tokens(lifetime(number));
        async move { drop(connect(engine, &subject(number), tokens).await) }
    });
    stream::iter(connected)
        .buffer_unordered(128)
        .for_each(|()| ready(()))
        .await;
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
