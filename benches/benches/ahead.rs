//! A steady stream of requests over tokens that live for a second, with refresh ahead of expiry and without: what a request waits, and
//! which rejections reach a caller. The API is in this process and answers at once; the token endpoint takes 50 ms, and where the old token
//! dies, it dies halfway.
//!
//! A request starts when it is due, whether the one before has its answer or not: nobody who waits keeps others from being counted.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use tokenkeeper_benches::{
    Answer, Endpoint, Engine, accounts_with, is_quick, percentile, request, tokens,
};
use tokenkeeper_session::Options;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::TokenLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

const TAKES: Duration = Duration::from_millis(50);
const LIFETIME: Duration = Duration::from_secs(1);
/// Requests that start in each millisecond.
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() {
    println!(
        "| tokens | requests | token requests | p50 | p99 | p99.9 | the longest | rejected by the API | rejections that reached a caller |\n|---|---|---|---|---|---|---|---|---|"
    );
    let lasting = Duration::from_secs(3600);
    stream("valid for an hour", lasting, ahead(), false).await;
    stream("refreshed ahead", LIFETIME, ahead(), false).await;
    stream("refreshed ahead, the old one dies", LIFETIME, ahead(), true).await;
    stream("refreshed once expired", LIFETIME, at_expiry(), false).await;
}

/// As the defaults are, but for tokens that live for a second.
fn ahead() -> Options {
    Options {
        stale_share: 0.3,
        stale_least: Duration::from_millis(300),
        floor: Duration::from_millis(100),
        ..Options::default()
    }
}

fn at_expiry() -> Options {
    Options {
        stale_share: 0.0,
        stale_least: Duration::ZERO,
        stale_most: Duration::ZERO,
        ..Options::default()
    }
}

async fn stream(name: &str, lifetime: Duration, options: Options, old_dies: bool) {
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
    let api = service_fn(move |request: Request<_>| {
        let _: &tokenkeeper_tower::Replay<http_body_util::Empty<bytes::Bytes>> = request.body();
        let response = api.answer(request.headers()["authorization"].as_bytes());
        async { Ok::<_, Infallible>(response) }
    });
    let service = TokenLayer::new(account).layer(api);

    let mut due = tokio::time::interval(Duration::from_millis(1));
    let mut under_way = Vec::new();
    for _ in 0..if is_quick() { 2_000 } else { 8_000 } {
        due.tick().await;
        for _ in 0..AT_ONCE {
            let service = service.clone();
            under_way.push(tokio::spawn(async move {
                let start = Instant::now();
                let response = service.oneshot(request(&Engine::api(), 4)).await;
                let response = response.expect("the endpoint answers");
                (start.elapsed(), response.status())
            }));
        }
    }
    let ends = join_all(under_way).await.into_iter();
    let ends: Vec<_> = ends.map(|end| end.expect("no task panics")).collect();
    let mut times: Vec<Duration> = ends.iter().map(|end| end.0).collect();
    times.sort();
    let reached = ends.iter().filter(|end| end.1 != StatusCode::OK).count();
    let at = |share| micros(percentile(&times, share));
    println!(
        "| {name} | {} | {} | {:.1} µs | {:.1} µs | {:.1} µs | {:.1} µs | {} | {reached} |",
        ends.len(),
        endpoint.requests(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        rejected.load(Ordering::Relaxed),
    );
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
