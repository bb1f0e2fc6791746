//! A server that vanishes, hangs or refuses: the error of the call, and the next call.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokenkeeper_store::{Advice, Entry, Outcome, StoreError, TokenStore, Version};
use tokenkeeper_store_redis::{RedisError, RedisStore};

use crate::groups::replica_of;
use crate::server::RedisServer;
use crate::support::{cause, entry, key, open, patient, until};

/// A store with short timeouts, and one with long ones.
async fn impatient_and_patient(server: &RedisServer) -> (RedisStore, RedisStore) {
    let short = Duration::from_millis(300);
    let options = patient(&server.url())
        .response_timeout(short)
        .connect_timeout(short);
    let impatient = loop {
        match options.clone().open_plaintext().await {
            Ok(store) => break store,
            // A busy machine may need longer to connect.
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    };
    (impatient, open(&server.url()).await)
}

/// Puts a new key, which must be applied.
async fn put_new(store: &RedisStore, subject: &'static str) {
    let outcome = store.put(&key(subject), &entry(subject), None).await;
    assert_eq!(outcome.expect("an outcome"), Outcome::Applied);
}

/// Runs a DEBUG command, which blocks the server, in another thread.
fn debug(server: &RedisServer, arguments: &'static [&str]) -> JoinHandle<()> {
    let url = server.url();
    thread::spawn(move || {
        let client = redis::Client::open(url).expect("a URL");
        let mut connection = client.get_connection().expect("a connection");
        let mut command = redis::cmd("DEBUG");
        command
            .arg(arguments)
            .exec(&mut connection)
            .expect("an answer");
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_times_out_is_ambiguous_and_may_land() {
    let server = RedisServer::start(&[]);
    let (impatient, store) = impatient_and_patient(&server).await;
    let (key, first, mine) = (key("a"), entry("first"), entry("mine"));
    let _ = store.put(&key, &first, None).await.unwrap();

    server.signal("STOP");
    let error = impatient
        .put(&key, &mine, Some(first.version))
        .await
        .unwrap_err();
    assert_eq!(error.advice(), Advice::ReadBack, "{error:?}");
    assert!(matches!(cause(&error), RedisError::NoAnswer { .. }));
    let error = impatient.get(&key).await.unwrap_err();
    assert_eq!(error.advice(), Advice::Retry, "{error:?}");

    server.signal("CONT");
    until("the write in flight", || {
        let sent: Vec<Vec<u8>> = server.call(&["KEYS", "*"]);
        !sent.is_empty() && server.calls_of("set") == 2
    });
    assert_eq!(store.get(&key).await.unwrap(), Some(mine.clone()));
    let again = store.put(&key, &mine, Some(first.version)).await.unwrap();
    assert_eq!(again, Outcome::Conflict(Some(mine)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_at_a_server_that_dies_has_not_landed() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = open(&server.url()).await;
    let (key, first) = (key("a"), entry("first"));
    let _ = store.put(&key, &first, None).await.unwrap();

    server.signal("STOP");
    let putting = tokio::spawn({
        let (store, key, mine) = (store.clone(), key.clone(), entry("mine"));
        let expected = first.version;
        async move { store.put(&key, &mine, Some(expected)).await }
    });
    tokio::task::yield_now().await;
    server.kill();
    let error = putting.await.unwrap().unwrap_err();
    // The put and the server's death race, so that both errors are right.
    assert!(error.is_transient(), "{error:?}");
    let error = store.get(&key).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    server.start_again();
    assert_eq!(store.get(&key).await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_connection_that_ends_while_idle_fails_no_call() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    let killed: u64 = server.call(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert_eq!(killed, 1);
    // The put is not sent into the dead connection, so it is not ambiguous.
    until_noticed(&server).await;
    let second = entry("second");
    let outcome = store
        .put(&key("a"), &second, Some(first.version))
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Applied);
}

/// Lets the runtime notice closed connections: it reads a later event of another socket after them.
async fn until_noticed(server: &RedisServer) {
    for _ in 0..3 {
        let other = open(&server.url()).await;
        let _ = other.get(&key("other")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_for_a_connection_share_its_failure() {
    let mut server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    server.kill();
    // Nothing listens: connecting fails at once, and a hundred calls share few attempts.
    let calls = (0..100).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.get(&key(&format!("user-{number}"))).await })
    });
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(
            cause(&error),
            RedisError::Unreachable { .. } | RedisError::NoAnswer { .. }
        ));
    }
    server.start_again();
    assert!(store.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout_of_one_call() {
    let server = RedisServer::start(&[]);
    let (store, _) = impatient_and_patient(&server).await;
    let sleeping = debug(&server, &["SLEEP", "1"]);
    let mut errors = Vec::new();
    loop {
        match store.put(&key("a"), &entry("mine"), None).await {
            Ok(_) if errors.is_empty() => {}
            Ok(_) => break,
            Err(error) => errors.push(error),
        }
    }
    sleeping.join().unwrap();
    assert!(errors.iter().all(StoreError::is_transient), "{errors:?}");
    assert!(
        matches!(errors[0], StoreError::Ambiguous { .. }),
        "{errors:?}"
    );
}

#[tokio::test]
async fn a_write_at_a_replica_is_read_only() {
    let master = RedisServer::start(&[]);
    let replica = replica_of(&master);
    let store = open(&replica.url()).await;
    let error = store.put(&key("a"), &entry("a"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(matches!(cause(&error), RedisError::Replica { .. }));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_server_that_is_promoted_again_accepts_writes() {
    let (master, server) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let store = open(&server.url()).await;
    put_new(&store, "a").await;
    let port = master.port.to_string();
    let _: String = server.call(&["REPLICAOF", "127.0.0.1", &port]);
    let error = store.put(&key("b"), &entry("b"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    let _: String = server.call(&["REPLICAOF", "NO", "ONE"]);
    put_new(&store, "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loads_its_data_is_not_ready() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let _: String = server.call(&["DEBUG", "POPULATE", "3000"]);
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    for (name, value) in [
        ("key-load-delay", "500"),
        ("loading-process-events-interval-bytes", "1024"),
    ] {
        let _: String = server.call(&["CONFIG", "SET", name, value]);
    }
    let loading = debug(&server, &["RELOAD"]);
    let refused = loop {
        match store
            .put(&key("a"), &entry("mine"), Some(Version::random()))
            .await
        {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let get = store.get(&key("a")).await;
    loading.join().unwrap();
    for error in [Some(refused), get.err()].into_iter().flatten() {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(
            matches!(cause(&error), RedisError::NotReady { .. }),
            "{error:?}"
        );
    }
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_full_server_refuses_new_keys_and_keeps_records() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let first = entry("first").with_due(std::time::SystemTime::now());
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    let _: String = server.call(&["CONFIG", "SET", "maxmemory", "1"]);

    let error = store.put(&key("b"), &entry("b"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error:?}");
    let second = Entry::new(Version::random(), vec![0; 100_000]);
    let error = store
        .put(&key("a"), &second, Some(first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), RedisError::NoRoom { .. }));
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first.clone()));
    let outcome = store
        .put(&key("a"), &second, Some(second.version))
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Conflict(Some(first.clone())));
    assert_eq!(
        store.delete(&key("a"), first.version).await.unwrap(),
        Outcome::Applied
    );

    let _: String = server.call(&["CONFIG", "SET", "maxmemory", "0"]);
    put_new(&store, "b").await;
}

#[tokio::test]
async fn a_server_without_enough_replicas_is_not_ready() {
    let server = RedisServer::start(&["--min-replicas-to-write", "1"]);
    let store = open(&server.url()).await;
    let error = store.put(&key("a"), &entry("a"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), RedisError::NotReady { .. }));
    assert!(store.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn an_appended_write_survives_a_kill() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = open(&server.url()).await;
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    server.kill();
    server.start_again();
    let found = loop {
        match store.get(&key("a")).await {
            Ok(found) => break found,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    };
    assert_eq!(found, Some(first));
}
