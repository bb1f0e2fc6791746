//! Runs one form of the valid path a number of times, for `scripts/instructions` to count.
//!
//! The difference between two numbers of rounds is the cost of the rounds, without that of the
//! start.

use std::hint::black_box;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Empty;
use tokenkeeper_benches::{Bare, Engine, call, extended, request, token};
use tokenkeeper_engine::Account;
use tokenkeeper_tower::{TokenLayer, TokenPolicy};
use tower::{Layer as _, Service};
use tower_http::auth::AddAuthorizationLayer;

fn main() {
    let usage = "usage: instructions <form> <headers or accounts> <rounds>";
    let mut arguments = std::env::args().skip(1);
    let form = arguments.next().expect(usage);
    let mut number = || arguments.next().and_then(|n| n.parse().ok()).expect(usage);
    let (count, rounds): (usize, usize) = (number(), number());

    let engine = Engine::default();
    // Every form has the account, even those that do not use it: the cost of a request's
    // allocations depends on what was allocated and freed before.
    let account = engine.connected("user-1");
    let (stack, cloned) = match form.strip_suffix("-cloned") {
        Some(stack) => (stack, true),
        None => (&*form, false),
    };
    let (stack, new) = match stack.strip_suffix("-extension") {
        Some(stack) => (stack, extended as fn(&Uri, usize) -> Request<Empty<Bytes>>),
        None => (stack, request as _),
    };
    let uri = Engine::api();
    let new = || new(&uri, count);
    let of_account = || {
        let mut request = request(&uri, count);
        request.extensions_mut().insert(account.clone());
        request
    };
    let one =
        |replay| TokenLayer::new(TokenPolicy::new(account.clone()).replay(replay)).layer(Bare);
    let per_request = |replay| {
        let policy = TokenPolicy::per_request(&engine.accounts);
        TokenLayer::new(policy.replay(replay)).layer(Bare)
    };
    let theirs = || AddAuthorizationLayer::bearer(&token()).layer(Bare);
    match stack {
        "bare" => send(&mut Bare, cloned, rounds, new),
        "static" => send(&mut theirs(), cloned, rounds, new),
        "once" => send(&mut one(false), cloned, rounds, new),
        "replay" => send(&mut one(true), cloned, rounds, new),
        "clone" => copy(&new(), rounds),
        "clone-account" => copy(&of_account(), rounds),
        "bare-account" => send(&mut Bare, cloned, rounds, of_account),
        "per-request" => send(&mut per_request(false), cloned, rounds, of_account),
        "per-request-replay" => send(&mut per_request(true), cloned, rounds, of_account),
        "subjects" => look_up(&engine, rounds, count, |_| ()),
        "lookup" => look_up(&engine, rounds, count, |subject| {
            drop(black_box(engine.account(subject)));
        }),
        _ => panic!("unknown form `{form}`"),
    }
}

/// Calls the service, or a clone of it as `oneshot` does, with a new request in each round.
fn send<S>(service: &mut S, cloned: bool, rounds: usize, new: impl Fn() -> Request<Empty<Bytes>>)
where
    S: Service<Request<Empty<Bytes>>> + Clone,
{
    if cloned {
        for _ in 0..rounds {
            drop(black_box(call(&mut service.clone(), black_box(new()))));
        }
    } else {
        for _ in 0..rounds {
            drop(black_box(call(service, black_box(new()))));
        }
    }
}

/// Clones a request in each round, as a replay needs it.
fn copy(request: &Request<Empty<Bytes>>, rounds: usize) {
    for _ in 0..rounds {
        drop(black_box(black_box(request).clone()));
    }
}

/// Passes a new subject to `then` in each round.
fn look_up(engine: &Engine, rounds: usize, count: usize, mut then: impl FnMut(&str)) {
    let subjects: Vec<String> = (0..count).map(|i| format!("user-{i}")).collect();
    let _held: Vec<Account> = subjects
        .iter()
        .map(|subject| engine.account(subject))
        .collect();
    for subject in subjects.iter().cycle().take(rounds) {
        then(black_box(subject));
    }
}
