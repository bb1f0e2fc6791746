//! Latency of a steady stream of requests over tokens that live for a second.
//!
//! Measured with and without refresh ahead of expiry: how long a request waits, and which
//! rejections reach a caller. The API is in this process and answers at once. The token endpoint
//! takes 50 ms; where the old token dies, it dies halfway.
//!
//! Each request starts at its millisecond, even if earlier ones still wait, so that a slow request
//! does not hide others.

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
    Answer, Endpoint, Engine, Scale, accounts_with, connect, percentile, request, tokens,
};
use tokenkeeper_engine::Options;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::{Replay, TokenLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

const LATENCY: Duration = Duration::from_millis(50);
const LIFETIME: Duration = Duration::from_secs(1);
/// The number of streams of each form.
const ROUNDS: usize = 4;
/// The number of requests that start in each millisecond.
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() {
    println!(
        "| tokens | requests | token requests | p50 | p99 | p99.9 | the longest \
         | rejected by the API | rejections that reached a caller |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    let scale = Scale::from_args();
    let hour = Duration::from_secs(3600);
    let forms = [
        ("valid for an hour", hour, ahead(), false),
        ("refreshed ahead", LIFETIME, ahead(), false),
        ("refreshed ahead, the old one dies", LIFETIME, ahead(), true),
        ("refreshed once expired", LIFETIME, at_expiry(), false),
    ];
    let mut samples: [Samples; 4] = Default::default();
    // The forms take turns, so that other load on the machine falls on all of them.
    for _ in 0..scale.pick(1, ROUNDS) {
        for ((_, lifetime, options, old_dies), samples) in forms.iter().zip(&mut samples) {
            stream(scale, *lifetime, options.clone(), *old_dies, samples).await;
        }
    }
    for ((name, ..), samples) in forms.iter().zip(samples) {
        samples.print(name);
    }
}

/// The samples of one form.
#[derive(Default)]
struct Samples {
    times: Vec<Duration>,
    /// The times of the requests that started while the endpoint worked on a refresh.
    during: Vec<Duration>,
    token_requests: usize,
    rejected: usize,
    reached: usize,
}

impl Samples {
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

/// Returns the default options, scaled to tokens that live for a second.
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

async fn stream(
    scale: Scale,
    lifetime: Duration,
    options: Options,
    old_dies: bool,
    samples: &mut Samples,
) {
    let endpoint = Endpoint::new(Answer::Tokens, LATENCY).lifetime(LIFETIME);
    let accounts = accounts_with(MemoryStore::new(), endpoint.clone(), options);
    let account = connect(&accounts, "user-1", tokens(lifetime)).await;
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
    let mut running = Vec::new();
    let millis = match scale {
        Scale::Test => 100,
        Scale::Quick => 1_500,
        Scale::Full => 2_000,
    };
    for _ in 0..millis {
        due.tick().await;
        for _ in 0..AT_ONCE {
            let (service, during) = (service.clone(), endpoint.is_busy());
            // Includes the time that the task waits behind those that a refresh has woken.
            let start = Instant::now();
            running.push(tokio::spawn(async move {
                let response = service.oneshot(request(&Engine::api(), 4)).await;
                let response = response.expect("the endpoint answers");
                (start.elapsed(), during, response.status())
            }));
        }
    }
    let ends = join_all(running).await.into_iter();
    for (took, during, status) in ends.map(|end| end.expect("no task panics")) {
        samples.times.push(took);
        if during {
            samples.during.push(took);
        }
        samples.reached += usize::from(status != StatusCode::OK);
    }
    samples.token_requests += endpoint.requests();
    samples.rejected += rejected.load(Ordering::Relaxed);
}

/// An API that rejects the tokens that its provider has ended.
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
