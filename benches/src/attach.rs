//! Measures a request with a valid token, over a service that answers at once.

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
use tokenkeeper_tower::{Replay, TokenLayer};
use tokio::runtime::Handle;
use tower::{Layer as _, Service};
use tower_http::auth::AddAuthorizationLayer;

use crate::{Bare, Engine, Held, call, extended, request, token};

/// So few inputs are made ahead that they are still in the cache when they are used, as a request is that was just made.
pub const HOT: BatchSize = BatchSize::NumIterations(64);

/// Requests that two threads send between two waits for each other.
const BATCH: u64 = 500;

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By one thread, through one service.
    Plain,
    /// By two threads at once.
    TwoThreads,
    /// Each has an extension.
    Extended,
    /// Each through a clone of the service, as `oneshot` does it.
    Cloned,
    /// To a service that holds its answer from the call on.
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

/// What is measured side by side: requests with so many headers, sent in one form.
pub struct Attach<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    headers: usize,
    form: Form,
}

impl<'c> Attach<'c> {
    /// Nothing is measured yet.
    pub fn new(criterion: &'c mut Criterion, headers: usize, form: Form) -> Self {
        let name = format!("attach/{headers} headers{}", form.suffix());
        Self {
            group: criterion.benchmark_group(name),
            headers,
            form,
        }
    }

    /// How many headers the requests have.
    #[must_use]
    pub fn headers(&self) -> usize {
        self.headers
    }

    /// No layer, a static header, and one account without and with replay.
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
        // Made here, so that nothing is due for a comparison with the store before all is measured.
        let engine = Engine::default();
        let account = engine.connected("user-1");
        let once = TokenLayer::new(account.clone()).replay(false);
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

    /// A service that attaches a token.
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

    /// A function that attaches a token to what `new` makes. What `new` costs is not measured.
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

/// The account is found by its subject and put into the request, as a handler does that serves many people.
pub fn account_per_request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attach/account per request");
    for accounts in [1, 10_000, 1_000_000] {
        let engine = Engine::elsewhere();
        let subjects: Vec<String> = (0..accounts).map(|i| format!("user-{i}")).collect();
        let _held: Vec<_> = subjects.iter().map(|s| engine.connected(s)).collect();
        let mut service = TokenLayer::per_request(&engine.accounts)
            .replay(false)
            .layer(Bare);
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
            b.iter_batched(
                || {
                    // Far from the one before, so that no cache has its account by its neighbour.
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

/// The time of one thread, while another does the same.
fn two_at_once<R, O>(
    rounds: u64,
    new: &(impl Fn() -> R + Sync),
    send: impl FnMut(R) -> O + Clone + Send,
) -> Duration {
    let together = Barrier::new(2);
    // Peers make timers, as if they were to wait.
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
