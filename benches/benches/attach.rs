//! A request with a valid token, over a service that answers at once.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use tokenkeeper_benches::{Bare, Engine, call, request, token};
use tokenkeeper_tower::TokenLayer;
use tower::Layer as _;
use tower_http::auth::AddAuthorizationLayer;

fn attach(criterion: &mut Criterion) {
    let engine = Engine::default();
    let account = engine.connected("user-1");
    for headers in [0, 4, 12] {
        let mut group = criterion.benchmark_group(format!("attach/{headers} headers"));
        let new = || request(&Engine::api(), headers);
        macro_rules! measure {
            ($name:expr, $service:expr) => {
                let mut service = $service;
                group.bench_function($name, |b| {
                    b.iter_batched(
                        new,
                        |request| call(&mut service, request),
                        BatchSize::SmallInput,
                    );
                });
            };
        }
        measure!("bare", Bare);
        measure!(
            "static header",
            AddAuthorizationLayer::bearer(&token()).layer(Bare)
        );
        measure!(
            "one account, no replay",
            TokenLayer::new(account.clone()).replay(false).layer(Bare)
        );
        measure!(
            "one account, with replay",
            TokenLayer::new(account.clone()).layer(Bare)
        );
        let original = new();
        group.bench_function("request.clone()", |b| {
            b.iter(|| black_box(&original).clone())
        });
    }
}

/// The account is found by its subject and put into the request, as a handler does that serves many people.
fn per_request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attach/account per request");
    for accounts in [1, 10_000] {
        let engine = Engine::default();
        let subjects: Vec<String> = (0..accounts).map(|i| format!("user-{i}")).collect();
        let _held: Vec<_> = subjects
            .iter()
            .map(|subject| engine.connected(subject))
            .collect();
        let mut service = TokenLayer::per_request(&engine.accounts)
            .replay(false)
            .layer(Bare);
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
            b.iter_batched(
                || request(&Engine::api(), 4),
                |mut request| {
                    // Far from the one before, so that no cache has it by its neighbour.
                    next = (next + 7919) % accounts;
                    request
                        .extensions_mut()
                        .insert(engine.account(&subjects[next]));
                    call(&mut service, request)
                },
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, attach, per_request);
criterion_main!(benches);
