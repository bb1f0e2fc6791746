//! Finding an account by its subject, next to maps from the same string to an `Arc`.

use std::{hint::black_box, sync::Arc};

use arrayvec::ArrayString;
use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use foldhash::fast::RandomState;
use tokenkeeper_benches::{Engine, HOT, Scale};

fn keyed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keyed");
    let sizes = [1, 100, 10_000, 1_000_000];
    for &accounts in Scale::from_args().pick(&sizes[..2], &sizes) {
        let subjects: Vec<String> = (0..accounts).map(|i| format!("user-{i}")).collect();
        let id = |name| BenchmarkId::new(name, accounts);

        // All maps are built before the first measurement: otherwise one map would reuse the memory
        // that another one has freed.
        let engine = Engine::default();
        let _held: Vec<_> = subjects
            .iter()
            .map(|subject| engine.account(subject))
            .collect();

        let papaya = papaya_map();
        subjects.iter().for_each(|s| {
            papaya.pin().insert(s.clone(), Arc::new(s.len()));
        });

        // The entry holds the key inline, so that a lookup follows one pointer less.
        let inline = papaya_map();
        subjects.iter().for_each(|s| {
            let key = ArrayString::<24>::from(s).expect("no subject is longer");
            inline.pin().insert(key, Arc::new(s.len()));
        });

        let dashmap = dashmap::DashMap::with_hasher(RandomState::default());
        subjects.iter().for_each(|s| {
            dashmap.insert(s.clone(), Arc::new(s.len()));
        });

        let moka = moka::sync::Cache::builder().build_with_hasher(RandomState::default());
        subjects
            .iter()
            .for_each(|s| moka.insert(s.clone(), Arc::new(s.len())));

        group.bench_function(id("tokenkeeper"), |b| {
            each(b, &subjects, |s| Some(engine.account(s)));
        });
        group.bench_function(id("papaya"), |b| {
            each(b, &subjects, |s| papaya.pin().get(s).cloned());
        });
        group.bench_function(id("papaya, inline key"), |b| {
            each(b, &subjects, |s| inline.pin().get(s.as_str()).cloned());
        });
        group.bench_function(id("dashmap"), |b| {
            each(b, &subjects, |s| {
                dashmap.get(s).map(|found| found.value().clone())
            });
        });
        group.bench_function(id("moka"), |b| each(b, &subjects, |s| moka.get(s)));
    }
}

fn papaya_map<K, V>() -> papaya::HashMap<K, V, RandomState> {
    papaya::HashMap::builder()
        .hasher(RandomState::default())
        .resize_mode(papaya::ResizeMode::Blocking)
        .build()
}

/// Looks up a new subject in each round, far from the previous one.
///
/// The string is in the cache, as the one of a request that just came in.
fn each<T>(bencher: &mut Bencher<'_>, subjects: &[String], find: impl Fn(&String) -> Option<T>) {
    let mut next = 0;
    bencher.iter_batched_ref(
        || {
            next = (next + 7919) % subjects.len();
            subjects[next].clone()
        },
        |subject| assert!(find(black_box(subject)).is_some()),
        HOT,
    );
}

criterion_group!(benches, keyed);
criterion_main!(benches);
