//! Tasks that call an API as fast as they can.

use std::{
    collections::HashMap,
    fmt::Debug,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Body;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper_benches::request;
use tokenkeeper_engine::{Account, Accounts};
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt as _};

use crate::api::Api;

const TASKS: u64 = 64;

/// How a request gets its account.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// It has none.
    None,
    /// A random subject among this number is looked up.
    Subject(Accounts, usize),
    /// The same, and the account is dropped.
    Dropped(Accounts, usize),
    /// A random one of these.
    Handle(Arc<[Account]>),
    /// It has none, and carries the header of a random subject among as many as there are.
    Header(Arc<HashMap<String, HeaderValue>>),
}

impl Target {
    fn aim<B>(&self, request: &mut Request<B>, random: &mut Random) {
        match self {
            Self::None => {}
            Self::Subject(accounts, count) => {
                let account = account(accounts, random.below(*count));
                request.extensions_mut().insert(account);
            }
            Self::Dropped(accounts, count) => {
                drop(account(accounts, random.below(*count)));
            }
            Self::Handle(handles) => {
                let account = handles[random.below(handles.len())].clone();
                request.extensions_mut().insert(account);
            }
            Self::Header(headers) => {
                let header = headers[&subject(random.below(headers.len()))].clone();
                request.headers_mut().insert(AUTHORIZATION, header);
            }
        }
    }
}

/// Returns the account of this number.
pub(crate) fn account(accounts: &Accounts, number: usize) -> Account {
    tokenkeeper_benches::account(accounts, &subject(number))
}

/// Returns the subject of this number.
pub(crate) fn subject(number: usize) -> String {
    format!("user-{number}")
}

/// The calls of a stretch of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Processor time of this process for a call, in microseconds.
    pub(crate) cpu: f64,
    /// Calls a second.
    pub(crate) rate: f64,
}

/// The form of the clients, one after the other.
#[derive(Debug)]
pub(crate) struct Load {
    uri: Uri,
}

impl Load {
    pub(crate) fn new(api: &Api) -> Self {
        let uri = format!("{}/api/v2/me", api.base);
        Self {
            uri: uri.parse().expect("the base is a URL"),
        }
    }

    /// Calls for this time through the layer.
    pub(crate) async fn run<L, B, S, R>(&self, layer: &L, target: &Target, time: Duration) -> Sample
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
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let service = layer.layer(client);
        // The connections are not part of the measurement.
        self.calls(&service, target, WARM_UP).await;
        let (start, cpu) = (Instant::now(), process_cpu());
        let calls = self.calls(&service, target, time).await as f64;
        let (took, cpu) = (start.elapsed(), process_cpu().saturating_sub(cpu));
        Sample {
            cpu: cpu.as_secs_f64() * 1e6 / calls,
            rate: calls / took.as_secs_f64(),
        }
    }

    async fn calls<S, R>(&self, service: &S, target: &Target, time: Duration) -> u64
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<R>, Error: Debug, Future: Send>
            + Clone
            + Send
            + 'static,
        R: Body<Data: Send, Error: Debug> + Send,
    {
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let (over, service, target) = (over.clone(), service.clone(), target.clone());
            let (uri, mut random) = (self.uri.clone(), Random::new(task));
            tasks.spawn(async move {
                let mut calls = 0;
                while !over.load(Ordering::Relaxed) {
                    let mut request = request(&uri, 4);
                    target.aim(&mut request, &mut random);
                    let response = service.clone().oneshot(request).await;
                    let response = response.expect("the API answers");
                    assert_eq!(response.status(), StatusCode::OK);
                    let body = response.into_body().collect().await;
                    drop(body.expect("the body is complete"));
                    calls += 1;
                }
                calls
            });
        }
        tokio::time::sleep(time).await;
        over.store(true, Ordering::Relaxed);
        tasks.join_all().await.iter().sum()
    }
}

const WARM_UP: Duration = Duration::from_millis(20);

/// Returns the processor time of this process's threads; zero where there is no `/proc`.
fn process_cpu() -> Duration {
    let threads = fs::read_dir("/proc/self/task");
    let nanos = threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| {
            let times = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            times.split(' ').next()?.parse::<u64>().ok()
        });
    Duration::from_nanos(nanos.sum())
}

/// SplitMix64 by Sebastiano Vigna: a small generator of numbers that look random.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed << 32)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
