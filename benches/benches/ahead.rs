//! A steady stream of requests over tokens that live for a second, with refresh ahead of expiry and without: what a request waits, and
//! which rejections reach a caller. The API is in this process and answers at once; the token endpoint takes 50 ms, and where the old token
//! dies, it dies halfway.
//!
//! A request starts with its millisecond, whether the one before has its answer or not: nobody who waits keeps others from being counted.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tokenkeeper_benches::{
    Answer, Endpoint, Engine, accounts_with, is_quick, percentile, request, tokens,
};
use tokenkeeper_engine::Options;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::{Replay, TokenLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

const TAKES: Duration = Duration::from_millis(50);
const LIFETIME: Duration = Duration::from_secs(1);
/// Streams of each form.
const ROUNDS: usize = 4;
/// Requests that start in each millisecond.
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() {
    println!(
        "| tokens | requests | token requests | p50 | p99 | p99.9 | the longest | rejected by the API | rejections that reached a caller |\n|---|---|---|---|---|---|---|---|---|"
    );
    let lasting = Duration::from_secs(3600);
    let forms = [
        ("valid for an hour", lasting, ahead(), false),
        ("refreshed ahead", LIFETIME, ahead(), false),
        ("refreshed ahead, the old one dies", LIFETIME, ahead(), true),
        ("refreshed once expired", LIFETIME, at_expiry(), false),
    ];
    let mut seen: [Seen; 4] = Default::default();
    // By turns, so that what else the machine does falls on all of them.
    for _ in 0..ROUNDS {
        for ((_, lifetime, options, old_dies), seen) in forms.iter().zip(&mut seen) {
            stream(*lifetime, options.clone(), *old_dies, seen).await;
        }
    }
    for ((name, ..), seen) in forms.iter().zip(seen) {
        seen.print(name);
    }
}

/// What was seen of a form.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    /// Of those that started while the endpoint was asked.
    during: Vec<Duration>,
    token_requests: usize,
    rejected: usize,
    reached: usize,
}

impl Seen {
    fn print(&self, name: &str) {
        println!(
            "| {name} | {} | {} | {} | {} | {} |",
            self.times.len(),
            self.token_requests,
            latency(&self.times),
            self.rejected,
            self.reached,
        );
        if !self.during.is_empty() {
            println!(
                "| {name}, those during a refresh | {} | | {} | | |",
                self.during.len(),
                latency(&self.during),
            );
        }
    }
}

fn latency(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = |share| micros(percentile(&sorted, share));
    let [p50, p99, p999, longest] = [0.5, 0.99, 0.999, 1.0].map(at);
    format!("{p50:.2} µs | {p99:.2} µs | {p999:.1} µs | {longest:.1} µs")
}

/// As the defaults are, but for tokens that live for a second.
fn ahead() -> Options {
    Options::new()
        .refresh_fraction(0.3)
        .refresh_window(Duration::from_millis(300), Duration::from_secs(5 * 60))
        .min_refresh_interval(Duration::from_millis(100))
}

fn at_expiry() -> Options {
    Options::new()
        .refresh_fraction(0.0)
        .refresh_window(Duration::ZERO, Duration::ZERO)
}

async fn stream(lifetime: Duration, options: Options, old_dies: bool, seen: &mut Seen) {
    let endpoint = Endpoint::new(Answer::Tokens, TAKES).lasting(LIFETIME);
    let accounts = accounts_with(MemoryStore::new(), endpoint.clone(), options);
    let account = accounts
        .account("amiqus", "user-1")
        .expect("the subject is not empty");
    let adopted = account.adopt(tokens(lifetime)).await;
    adopted.expect("memory takes every write");
    let rejected = Arc::new(AtomicUsize::new(0));
    let api = Api {
        endpoint: endpoint.clone(),
        rejected: rejected.clone(),
        old_dies,
    };
    let api = service_fn(move |request: Request<Replay<Empty<Bytes>>>| {
        let response = api.answer(request.headers()["authorization"].as_bytes());
        async { Ok::<_, Infallible>(response) }
    });
    let service = TokenLayer::new(account).layer(api);

    let mut due = tokio::time::interval(Duration::from_millis(1));
    let mut under_way = Vec::new();
    for _ in 0..if is_quick() { 1_500 } else { 2_000 } {
        due.tick().await;
        for _ in 0..AT_ONCE {
            let (service, during) = (service.clone(), endpoint.is_busy());
            // Also what a task waits for its turn behind those that a refresh has woken.
            let start = Instant::now();
            under_way.push(tokio::spawn(async move {
                let response = service.oneshot(request(&Engine::api(), 4)).await;
                let response = response.expect("the endpoint answers");
                (start.elapsed(), during, response.status())
            }));
        }
    }
    let ends = join_all(under_way).await.into_iter();
    for (took, during, status) in ends.map(|end| end.expect("no task panics")) {
        seen.times.push(took);
        if during {
            seen.during.push(took);
        }
        seen.reached += usize::from(status != StatusCode::OK);
    }
    seen.token_requests += endpoint.requests();
    seen.rejected += rejected.load(Ordering::Relaxed);
}

/// An API that knows which tokens its provider has ended.
#[derive(Clone)]
struct Api {
    endpoint: Endpoint,
    rejected: Arc<AtomicUsize>,
    old_dies: bool,
}

impl Api {
    fn answer(&self, authorization: &[u8]) -> Response<()> {
        let mut response = Response::new(());
        if self.old_dies && self.endpoint.has_ended(authorization) {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        response
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
