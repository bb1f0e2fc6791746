//! Failovers under Sentinel.

use std::sync::Arc;
use std::time::Duration;

use tokenkeeper_store::{Entry, Outcome, StoreError, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisStore};

use crate::sentinel_group::{SentinelGroup, opened};
use crate::server::free_port;
use crate::support::{cause, entry, key, open, patient, until};

/// Puts until the entry is known to have landed, as a caller does.
async fn put(store: &RedisStore, entry: &Entry, expected: Option<&Entry>) {
    let expected = expected.map(|entry| entry.version);
    loop {
        match store.put(&key("a"), entry, expected).await {
            Ok(Outcome::Applied) => return,
            Ok(Outcome::Conflict(Some(there))) if there.version == entry.version => return,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        tokio::task::yield_now().await;
    }
}

/// Reads until there is an answer.
async fn get(store: &RedisStore) -> Option<Entry> {
    loop {
        match store.get(&key("a")).await {
            Ok(found) => return found,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_during_a_failover_are_transient() {
    let watched = Arc::new(SentinelGroup::start());
    let store = watched.store().await;
    let mut known = entry("first");
    put(&store, &known, None).await;
    let failing_over = tokio::task::spawn_blocking({
        let watched = watched.clone();
        move || watched.fail_over()
    });
    while !failing_over.is_finished() {
        let next = entry("next");
        match store.put(&key("a"), &next, Some(known.version)).await {
            Ok(Outcome::Applied) => known = next,
            // It landed before, or a write to the already demoted master was lost.
            Ok(Outcome::Conflict(there)) => known = there.expect("an entry"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
    failing_over.await.unwrap();
    assert_eq!(watched.master(), watched.servers[1].port);
    let known = get(&store).await.expect("an entry");
    let last = entry("last");
    put(&store, &last, Some(&known)).await;
    let successor = open(&watched.servers[1].url()).await;
    assert_eq!(get(&successor).await, Some(last));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_a_write_shows_the_previous() {
    let mut watched = SentinelGroup::start();
    let store = watched.store().await;
    let (first, lost) = (entry("first"), entry("lost"));
    put(&store, &first, None).await;
    tokio::task::block_in_place(|| watched.cut_off());
    let outcome = store.put(&key("a"), &lost, Some(first.version)).await;
    assert_eq!(outcome.unwrap(), Outcome::Applied);
    tokio::task::block_in_place(|| watched.lose_master());

    // The version shows that the store went back in time; the caller decides what follows.
    let found = loop {
        match store
            .put(&key("a"), &entry("next"), Some(lost.version))
            .await
        {
            Ok(Outcome::Conflict(found)) => break found,
            Ok(Outcome::Applied) => panic!("applied over a lost entry"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    };
    assert_eq!(found, Some(first.clone()));
    put(&store, &lost, Some(&first)).await;
    assert_eq!(get(&store).await, Some(lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_min_replicas_no_applied_write_is_lost() {
    let mut watched = SentinelGroup::start();
    let options = watched
        .options()
        .min_replicas(1)
        .replication_timeout(Duration::from_millis(100));
    let store = opened(async || options.clone().open_plaintext().await).await;
    let (first, mine) = (entry("first"), entry("mine"));
    put(&store, &first, None).await;
    tokio::task::block_in_place(|| watched.cut_off());
    let error = store
        .put(&key("a"), &mine, Some(first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error:?}");
    assert!(matches!(cause(&error), RedisError::NotReplicated { .. }));

    tokio::task::block_in_place(|| {
        watched.lose_master();
        // The old master restarts empty, and must follow the new one.
        watched.servers[0].start_again();
        watched.demoted(watched.servers[0].port);
    });
    assert_eq!(get(&store).await, Some(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_a_replica_for_a_while_is_unavailable() {
    let watched = SentinelGroup::start_alone();
    let store = watched.store().await;
    let (first, second) = (entry("first"), entry("second"));
    put(&store, &first, None).await;
    let master = &watched.servers[0];
    // Its master does not exist. The sentinel is not told, as in the middle of a failover.
    let missing = free_port().to_string();
    let _: String = master.call(&["REPLICAOF", "127.0.0.1", &missing]);
    let error = store
        .put(&key("a"), &second, Some(first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let _: String = master.call(&["REPLICAOF", "NO", "ONE"]);
    put(&store, &second, Some(&first)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_down_is_unavailable_until_it_is_up() {
    let mut watched = SentinelGroup::start_alone();
    let store = watched.store().await;
    // Without a replica, it does no harm if the sentinel considers it down too early.
    let soon = ["SENTINEL", "SET", "main", "down-after-milliseconds", "200"];
    let _: String = watched.sentinel.call(&soon);
    watched.servers[0].kill();
    tokio::task::block_in_place(|| {
        until("a sentinel that knows", || {
            watched.state()["flags"].contains("s_down")
        });
    });
    for _ in 0..3 {
        let error = store.get(&key("a")).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    watched.servers[0].start_again();
    assert_eq!(get(&store).await, None);
}

#[tokio::test]
async fn a_master_that_no_sentinel_knows_is_named() {
    let watched = SentinelGroup::start_alone();
    let url = watched.url().replace("/main", "/other");
    let options = patient(&url).allow_unencrypted_network();
    let error = options.open_plaintext().await.unwrap_err();
    let RedisError::Unreachable { server, .. } = cause(&error) else {
        panic!("{error:?}");
    };
    assert!(server.ends_with("/other"));
}
