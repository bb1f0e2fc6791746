//! Runs one form of the valid path a number of times, for a program that counts instructions: see `scripts/instructions`.
//!
//! The difference between two numbers of rounds is what the rounds cost, whatever the start of the program did.

use std::hint::black_box;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Empty;
use tokenkeeper_benches::{Bare, Engine, call, request, token};
use tokenkeeper_session::Account;
use tokenkeeper_tower::TokenLayer;
use tower::{Layer as _, Service};
use tower_http::auth::AddAuthorizationLayer;

fn main() {
    let usage = "usage: instructions <form> <headers or accounts> <rounds>";
    let mut arguments = std::env::args().skip(1);
    let form = arguments.next().expect(usage);
    let mut number = || arguments.next().and_then(|n| n.parse().ok()).expect(usage);
    let (count, rounds): (usize, usize) = (number(), number());

    let engine = Engine::default();
    // Also where nobody asks for its token: what a request's own allocations cost depends on what was allocated and freed before.
    let account = engine.connected("user-1");
    match form.as_str() {
        "bare" => send(Bare, rounds, count, None),
        "add-authorization" => send(
            AddAuthorizationLayer::bearer(&token()).layer(Bare),
            rounds,
            count,
            None,
        ),
        "once" => send(one(&account).replay(false).layer(Bare), rounds, count, None),
        "cloned" => send_by_clones(&one(&account).replay(false).layer(Bare), rounds, count),
        "replay" => send(one(&account).layer(Bare), rounds, count, None),
        "clone" => copy(rounds, count, None),
        "bare-extension" => send(Bare, rounds, count, Some(account)),
        "per-request" | "per-request-replay" => {
            let layer =
                TokenLayer::per_request(&engine.accounts).replay(form == "per-request-replay");
            send(layer.layer(Bare), rounds, count, Some(account));
        }
        "replay-extension" => send(one(&account).layer(Bare), rounds, count, Some(account)),
        "clone-extension" => copy(rounds, count, Some(account)),
        "subjects" => look_up(&engine, rounds, count, |_| ()),
        "lookup" => look_up(&engine, rounds, count, |subject| {
            drop(black_box(engine.account(subject)));
        }),
        _ => panic!("there is no form `{form}`"),
    }
}

fn one(account: &Account) -> TokenLayer {
    TokenLayer::new(account.clone())
}

/// Calls the service in each round with a new request.
fn send<S>(mut service: S, rounds: usize, count: usize, account: Option<Account>)
where
    S: Service<Request<Empty<Bytes>>>,
{
    let uri = Engine::api();
    for _ in 0..rounds {
        let request = with_account(&uri, count, account.as_ref());
        drop(black_box(call(&mut service, black_box(request))));
    }
}

/// Calls a new clone of the service in each round, as `oneshot` does.
fn send_by_clones<S>(service: &S, rounds: usize, count: usize)
where
    S: Service<Request<Empty<Bytes>>> + Clone,
{
    let uri = Engine::api();
    for _ in 0..rounds {
        let request = request(&uri, count);
        drop(black_box(call(&mut service.clone(), black_box(request))));
    }
}

/// Copies a request in each round, as a replay needs it.
fn copy(rounds: usize, count: usize, account: Option<Account>) {
    let request = with_account(&Engine::api(), count, account.as_ref());
    for _ in 0..rounds {
        drop(black_box(black_box(&request).clone()));
    }
}

fn with_account(uri: &Uri, count: usize, account: Option<&Account>) -> Request<Empty<Bytes>> {
    let mut request = request(uri, count);
    if let Some(account) = account {
        request.extensions_mut().insert(account.clone());
    }
    request
}

/// Does something with another subject in each round.
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
