//! Reading, writing and a write that meets a conflict, in each store, plain and encrypted: one after the other, so that a time is what one
//! caller waits. SQLite's file is on the disk of the folder for temporary files; Redis is reached over loopback and saves nothing.

mod redis;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use redis::Server;
use tokenkeeper_engine::store::{
    Encrypted, EncryptionKey, Entry, Key, Keyring, Outcome, TokenStore, Version,
};
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_store_sqlite::SqliteStore;
use tokio::runtime::Runtime;

/// As large as a record with tokens of 800 and 100 bytes.
const RECORD: [u8; 1200] = [b'r'; 1200];

fn stores(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system has room for a runtime");
    let file = File::new();
    let sqlite = runtime.block_on(SqliteStore::plaintext(&file.0));
    let sqlite = sqlite.expect("the file can be made");
    let server = runtime.block_on(Server::start());
    let redis = runtime.block_on(server.store("stores:"));
    both(criterion, &runtime, "memory", MemoryStore::new());
    both(criterion, &runtime, "SQLite", sqlite);
    both(criterion, &runtime, "Redis", redis);
}

/// The store alone, and under the decorator.
fn both(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: impl TokenStore + Clone) {
    let keyring = Keyring::new("2026-01", EncryptionKey::random()).expect("the id is one");
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

/// Each over the one before.
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
        assert_eq!(put.expect("the store is there"), Outcome::Applied);
        *last = Some(entry.version);
    }
    start.elapsed()
}

async fn gets(store: &impl TokenStore, key: &Key, rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let got = store.get(key).await;
        assert!(got.expect("the store is there").is_some());
    }
    start.elapsed()
}

/// Who writes does not know what was written meanwhile, and gets it back.
async fn conflicts(store: &impl TokenStore, key: &Key, rounds: u64) -> Duration {
    let outdated = Some(Version::random());
    let start = Instant::now();
    for _ in 0..rounds {
        let entry = Entry::new(Version::random(), &RECORD[..]);
        let put = store.put(key, &entry, outdated).await;
        let put = put.expect("the store is there");
        assert!(matches!(put, Outcome::Conflict(Some(_))));
    }
    start.elapsed()
}

/// A path in a folder that is removed at the end.
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
            // What is left is small, and where the system removes it.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

criterion_group!(benches, stores);
criterion_main!(benches);
