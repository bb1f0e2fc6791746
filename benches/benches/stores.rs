//! A read, a write and a write that meets a conflict, in each store, plain and encrypted.
//!
//! One call after the other, so that a time is the wait of one caller. SQLite's file is in the
//! folder for temporary files; Redis is reached over loopback and saves nothing.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use tokenkeeper_benches::RedisServer;
use tokenkeeper_engine::store::{
    Encrypted, EncryptionKey, Entry, Key, Keyring, Outcome, TokenStore, Version,
};
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_store_sqlite::SqliteStore;
use tokio::runtime::Runtime;

/// The size of a record with tokens of 800 and 100 bytes.
const RECORD: [u8; 1200] = [b'r'; 1200];

fn stores(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let file = File::new();
    let sqlite = runtime.block_on(SqliteStore::open_plaintext(&file.0));
    let sqlite = sqlite.expect("the file can be created");
    both(criterion, &runtime, "memory", MemoryStore::new());
    both(criterion, &runtime, "SQLite", sqlite);
    if let Some(server) = runtime.block_on(RedisServer::start()) {
        let redis = runtime.block_on(server.store("stores:"));
        both(criterion, &runtime, "Redis", redis);
    }
}

/// Measures the store alone and under `Encrypted`.
fn both(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: impl TokenStore + Clone) {
    let keyring = Keyring::new("2026-01", EncryptionKey::random()).expect("the id is valid");
    let encrypted = Encrypted::new(store.clone(), keyring);
    measure(criterion, runtime, &format!("{name}, plain"), &store);
    measure(
        criterion,
        runtime,
        &format!("{name}, encrypted"),
        &encrypted,
    );
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &impl TokenStore) {
    let key = Key::new("amiqus", "https://id.amiqus.co", "client-1", name);
    let key = key.expect("no field is too long");
    let mut group = criterion.benchmark_group("stores");
    group.sampling_mode(SamplingMode::Flat);

    let mut last = None;
    group.bench_function(BenchmarkId::new("put", name), |b| {
        b.iter_custom(|rounds| runtime.block_on(puts(store, &key, &mut last, rounds)));
    });
    group.bench_function(BenchmarkId::new("get", name), |b| {
        b.iter_custom(|rounds| runtime.block_on(gets(store, &key, rounds)));
    });
    group.bench_function(BenchmarkId::new("conflict", name), |b| {
        b.iter_custom(|rounds| runtime.block_on(conflicts(store, &key, rounds)));
    });
}

/// Writes, each time over the previous version.
async fn puts(
    store: &impl TokenStore,
    key: &Key,
    last: &mut Option<Version>,
    rounds: u64,
) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let entry = Entry::new(Version::random(), &RECORD[..]);
        let put = store.put(key, &entry, *last).await;
        assert_eq!(put.expect("the store answers"), Outcome::Applied);
        *last = Some(entry.version);
    }
    start.elapsed()
}

async fn gets(store: &impl TokenStore, key: &Key, rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let got = store.get(key).await;
        assert!(got.expect("the store answers").is_some());
    }
    start.elapsed()
}

/// Writes with an outdated version; the store returns the current entry.
async fn conflicts(store: &impl TokenStore, key: &Key, rounds: u64) -> Duration {
    let outdated = Some(Version::random());
    let start = Instant::now();
    for _ in 0..rounds {
        let entry = Entry::new(Version::random(), &RECORD[..]);
        let put = store.put(key, &entry, outdated).await;
        let put = put.expect("the store answers");
        assert!(matches!(put, Outcome::Conflict(Some(_))));
    }
    start.elapsed()
}

/// A path in a temporary folder, which is removed on drop.
struct File(PathBuf);

impl File {
    fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("tokenkeeper-stores-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        Self(folder.join("accounts.db"))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            // The system removes temporary files anyway.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

criterion_group!(benches, stores);
criterion_main!(benches);
