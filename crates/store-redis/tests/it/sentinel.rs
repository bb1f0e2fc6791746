//! Failovers that Sentinel makes.

use std::time::Duration;

use tokenkeeper_store::{Entry, Outcome, StoreError, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

use crate::groups::Watched;
use crate::support::{cause, entry, key, until};

/// Puts until it is known whether the entry is there, as a caller does.
async fn put(store: &RedisStore, subject: &str, entry: &Entry, expected: Option<&Entry>) {
    let expected = expected.map(|entry| entry.version);
    loop {
        match store.put(&key(subject), entry, expected).await {
            Ok(Outcome::Applied) => return,
            Ok(Outcome::Conflict(Some(there))) if there.version == entry.version => return,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_demoted_is_left_and_its_successor_found() {
    let watched = Watched::start();
    let store = RedisStore::plaintext(&watched.url()).await.unwrap();
    let (first, second) = (entry("first"), entry("second"));
    put(&store, "a", &first, None).await;
    tokio::task::block_in_place(|| watched.fail_over());
    assert_eq!(watched.master(), watched.servers[1].port);
    put(&store, "a", &second, Some(&first)).await;
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_the_last_write_shows_the_one_before() {
    let mut watched = Watched::start();
    let options = RedisOptions::new(&watched.url())
        .unwrap()
        .timeout(Duration::from_millis(300));
    let store = options.plaintext().await.unwrap();
    let (first, lost) = (entry("first"), entry("lost"));
    put(&store, "a", &first, None).await;
    let replica = &watched.servers[1];
    until("the first write at the replica", || {
        replica.call::<u64>(&["DBSIZE"]) > 0
    });

    // What is written from here on is sent to no replica.
    replica.signal("STOP");
    let _: u64 = watched.servers[0].call(&["CLIENT", "KILL", "TYPE", "replica"]);
    assert_eq!(
        store
            .put(&key("a"), &lost, Some(first.version))
            .await
            .unwrap(),
        Outcome::Applied
    );
    watched.servers[0].kill();
    watched.servers[1].signal("CONT");
    tokio::task::block_in_place(|| {
        let replica = watched.servers[1].port;
        until("a new master", || watched.master() == replica);
    });

    // The store went back in time, and says so by the version; the caller's rule decides what happens then.
    let found = loop {
        match store
            .put(&key("a"), &entry("next"), Some(lost.version))
            .await
        {
            Ok(Outcome::Conflict(found)) => break found,
            Ok(Outcome::Applied) => panic!("applied over what is not there"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    };
    assert_eq!(found, Some(first.clone()));
    put(&store, "a", &lost, Some(&first)).await;
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_wait_no_write_is_called_applied_that_a_failover_would_lose() {
    let watched = Watched::start();
    let options = RedisOptions::new(&watched.url())
        .unwrap()
        .wait(1, Duration::from_millis(100));
    let store = options.plaintext().await.unwrap();
    let (first, mine) = (entry("first"), entry("mine"));
    put(&store, "a", &first, None).await;
    watched.servers[1].signal("STOP");
    let _: u64 = watched.servers[0].call(&["CLIENT", "KILL", "TYPE", "replica"]);
    let error = store
        .put(&key("a"), &mine, Some(first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error:?}");
    assert!(matches!(cause(&error), RedisError::NotReplicated { .. }));
    watched.servers[1].signal("CONT");
}

#[tokio::test]
async fn a_master_that_no_sentinel_knows_is_named() {
    let watched = Watched::start();
    let url = watched.url().replace("/main", "/nobody");
    let error = RedisStore::plaintext(&url).await.unwrap_err();
    let RedisError::Unreachable { server, .. } = cause(&error) else {
        panic!("{error:?}");
    };
    assert!(server.ends_with("/nobody"));
}
