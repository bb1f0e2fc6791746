//! A panic on a thread is an error for its caller, and the next call is served.

use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::{env, fs, process};

use super::*;

#[tokio::test]
async fn a_panic_of_a_thread_is_a_typed_error_for_one_call() {
    let directory = env::temp_dir().join(format!("tokenkeeper-panic-{}", process::id()));
    fs::create_dir(&directory).unwrap();
    let mut settings = Settings::new(directory.join("accounts.db"));
    settings.watch_interval = Duration::from_millis(1);
    let changes = broadcast::Sender::new(1);
    let weak = changes.downgrade();
    let (writer, reader) = connect(&settings, changes).unwrap();
    let (file, clock) = (writer.file.clone(), settings.clock.clone());
    let is_resting = reader.is_resting.clone();
    let (jobs, incoming) = mpsc::channel();
    let mut first = true;
    thread::serve("write", move || {
        panic_at_first(&mut first, &incoming);
        writer.serve(&incoming);
    })
    .unwrap();
    let (reads, incoming) = mpsc::channel();
    let mut first = true;
    thread::serve("read", move || {
        panic_at_first(&mut first, &incoming);
        reader.serve(&incoming);
    })
    .unwrap();
    let store = SqliteStore {
        file,
        jobs,
        reads,
        is_resting,
        changes: weak,
        clock,
        log_limit: settings.log_limit,
    };

    let key = Key::new("brand", "https://provider.example", "client", "user").unwrap();
    let entry = Entry::new(Version::random(), "value");
    // It may have been made before the panic.
    let put = store.put(&key, &entry, None).await;
    assert!(matches!(put, Err(StoreError::Ambiguous { .. })), "{put:?}");
    let get = store.get(&key).await;
    assert!(
        matches!(get, Err(StoreError::Unavailable { .. })),
        "{get:?}"
    );

    let put = store.put(&key, &entry, None).await.unwrap();
    assert_eq!(put, Outcome::Applied);
    assert_eq!(store.get(&key).await.unwrap(), Some(entry));
    fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn without_its_threads_every_call_is_a_typed_error() {
    let directory = env::temp_dir().join(format!("tokenkeeper-stopped-{}", process::id()));
    fs::create_dir(&directory).unwrap();
    let store = SqliteStore::open_plaintext(directory.join("accounts.db"))
        .await
        .unwrap();
    let store = SqliteStore {
        jobs: mpsc::channel().0,
        reads: mpsc::channel().0,
        changes: broadcast::Sender::new(1).downgrade(),
        ..store
    };
    let key = Key::new("brand", "https://provider.example", "client", "user").unwrap();
    let entry = Entry::new(Version::random(), "value");
    let put = store.put(&key, &entry, None).await;
    assert!(
        matches!(put, Err(StoreError::Unavailable { .. })),
        "{put:?}"
    );
    assert!(store.get(&key).await.is_err());
    assert!(store.list(Filter::All, None, 1).await.is_err());
    let claim = store.claim(&[key], SystemTime::now(), Duration::ZERO).await;
    assert!(claim.is_err(), "{claim:?}");
    assert!(store.watch().is_none());
    fs::remove_dir_all(directory).unwrap();
}

fn panic_at_first<J>(first: &mut bool, jobs: &Receiver<J>) {
    if std::mem::take(first) {
        let _job = jobs.recv();
        panic!("as a defect would");
    }
}
