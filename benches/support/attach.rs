//! Measures a request with a valid token over a service that answers at once.

use std::{
    convert::Infallible,
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, measurement::WallTime};
use http::{Request, Response, Uri};
use http_body_util::Empty;
use tokenkeeper_tower::{Replay, TokenLayer, TokenPolicy};
use tokio::runtime::Handle;
use tower::{Layer as _, Service};
use tower_http::auth::AddAuthorizationLayer;

use crate::{Bare, Engine, Held, Scale, call, extended, request, token};

/// A batch small enough that its inputs are still in the cache when they are used.
pub const HOT: BatchSize = BatchSize::NumIterations(64);

/// The number of requests that two threads send between two barriers.
const BATCH: u64 = 500;

/// How a benchmark sends its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One thread, one service.
    Plain,
    /// Two threads at once.
    TwoThreads,
    /// Each request has an extension.
    Extended,
    /// Each request goes through a clone of the service, as with `oneshot`.
    Cloned,
    /// The innermost service is [`Held`].
    Held,
}

impl Form {
    fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::TwoThreads => ", two threads",
            Self::Extended => ", an extension",
            Self::Cloned => ", a clone for each",
            Self::Held => ", the answer held",
        }
    }

    fn request(self) -> fn(&Uri, usize) -> Request<Empty<Bytes>> {
        if self == Self::Extended {
            extended
        } else {
            request
        }
    }
}

/// A group of benchmarks: requests with the same number of headers, sent in one form.
#[expect(
    missing_debug_implementations,
    reason = "criterion's group has no `Debug`"
)]
pub struct Attach<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    headers: usize,
    form: Form,
}

impl<'c> Attach<'c> {
    /// Creates the group.
    pub fn new(criterion: &'c mut Criterion, headers: usize, form: Form) -> Self {
        let name = format!("attach/{headers} headers{}", form.suffix());
        Self {
            group: criterion.benchmark_group(name),
            headers,
            form,
        }
    }

    /// Returns the number of headers of each request.
    #[must_use]
    pub fn headers(&self) -> usize {
        self.headers
    }

    /// Measures no layer, a static header, and one account without and with replay.
    pub fn ours(&mut self) {
        if self.form == Form::Held {
            self.layers_over(Held);
        } else {
            self.layers_over(Bare);
        }
    }

    fn layers_over<S>(&mut self, bare: S)
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<()>, Error = Infallible>
            + Service<Request<Replay<Empty<Bytes>>>, Response = Response<()>, Error = Infallible>
            + Copy
            + Send,
    {
        // A new engine, so that no comparison with the store falls due during the measurement.
        let engine = Engine::default();
        let account = engine.connected("user-1");
        let once = TokenLayer::new(TokenPolicy::new(account.clone()).replay(false));
        self.service("bare", bare);
        self.service(
            "static header",
            AddAuthorizationLayer::bearer(&token()).layer(bare),
        );
        self.service("one account, no replay", once.layer(bare));
        self.service(
            "one account, with replay",
            TokenLayer::new(account).layer(bare),
        );
        if self.form != Form::TwoThreads {
            let original = self.form.request()(&Engine::api(), self.headers);
            self.group.bench_function("request.clone()", |b| {
                b.iter(|| black_box(&original).clone());
            });
        }
    }

    /// Measures a service that attaches a token.
    pub fn service<S>(&mut self, name: &str, mut service: S)
    where
        S: Service<Request<Empty<Bytes>>> + Clone + Send,
    {
        let (uri, headers, make) = (Engine::api(), self.headers, self.form.request());
        let new = || make(&uri, headers);
        if self.form == Form::Cloned {
            self.function(name, new, move |request| {
                call(&mut service.clone(), request)
            });
        } else {
            self.function(name, new, move |request| call(&mut service, request));
        }
    }

    /// Measures a function that attaches a token to a request made by `new`.
    ///
    /// The cost of `new` is not measured.
    pub fn function<R, O>(
        &mut self,
        name: &str,
        new: impl Fn() -> R + Sync,
        mut send: impl FnMut(R) -> O + Clone + Send,
    ) {
        let two = self.form == Form::TwoThreads;
        self.group.bench_function(name, |b| {
            if two {
                b.iter_custom(|rounds| two_at_once(rounds, &new, send.clone()));
            } else {
                b.iter_batched(&new, &mut send, HOT);
            }
        });
    }
}

/// Measures a request whose account is first found by its subject.
///
/// This is the work of a handler that serves many users.
pub fn account_per_request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attach/account per request");
    for &accounts in Scale::from_args().pick(&[1, 100][..], &[1, 10_000, 1_000_000]) {
        let engine = Engine::discarding();
        let subjects: Vec<String> = (0..accounts).map(|i| format!("user-{i}")).collect();
        let _held: Vec<_> = subjects.iter().map(|s| engine.connected(s)).collect();
        let policy = TokenPolicy::per_request(&engine.accounts).replay(false);
        let mut service = TokenLayer::new(policy).layer(Bare);
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
            b.iter_batched(
                || {
                    // Far from the previous one, so that no cache line holds both.
                    next = (next + 7919) % accounts;
                    (request(&Engine::api(), 4), subjects[next].clone())
                },
                |(mut request, subject)| {
                    let account = engine.account(&subject);
                    request.extensions_mut().insert(account);
                    (call(&mut service, request), subject)
                },
                HOT,
            );
        });
    }
}

/// Returns the mean time of two threads that do the same work at once.
fn two_at_once<R, O>(
    rounds: u64,
    new: &(impl Fn() -> R + Sync),
    send: impl FnMut(R) -> O + Clone + Send,
) -> Duration {
    let together = Barrier::new(2);
    // Some peers create timers even if they do not wait.
    let runtime = Handle::try_current().ok();
    let one = |mut send: _| {
        let _inside = runtime.as_ref().map(Handle::enter);
        let mut taken = Duration::ZERO;
        for batch in batches(rounds) {
            let requests: Vec<R> = (0..batch).map(|_| new()).collect();
            let mut answers = Vec::with_capacity(requests.len());
            together.wait();
            let start = Instant::now();
            answers.extend(requests.into_iter().map(&mut send));
            taken += start.elapsed();
        }
        taken
    };
    thread::scope(|scope| {
        let other = send.clone();
        let other = scope.spawn(|| one(other));
        let taken = one(send) + other.join().expect("no request panics");
        taken / 2
    })
}

fn batches(rounds: u64) -> impl Iterator<Item = u64> {
    let rest = rounds % BATCH;
    let whole = std::iter::repeat_n(BATCH, usize::try_from(rounds / BATCH).expect("it fits"));
    whole.chain((rest > 0).then_some(rest))
}
