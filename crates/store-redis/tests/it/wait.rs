//! Writes that wait for replicas.

use std::time::Duration;

use tokenkeeper_store::{Outcome, StoreError, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

use crate::groups::{Cluster, replica_of};
use crate::server::RedisServer;
use crate::support::{cause, entry, key, patient};

async fn waiting(server: &RedisServer, limit: Duration) -> RedisStore {
    let options = RedisOptions::new(server.url())
        .min_replicas(1)
        .replication_timeout(limit);
    options.open_plaintext().await.expect("a store")
}

#[tokio::test]
async fn an_applied_put_is_at_the_replica() {
    let master = RedisServer::start(&[]);
    let replica = replica_of(&master);
    let store = waiting(&master, Duration::from_secs(10)).await;
    let at_replica = RedisStore::open_plaintext(&replica.url()).await.unwrap();
    let mut expected = None;
    for _ in 0..50 {
        let next = entry("value");
        assert!(
            store
                .put(&key("a"), &next, expected)
                .await
                .unwrap()
                .is_applied()
        );
        assert_eq!(at_replica.get(&key("a")).await.unwrap(), Some(next.clone()));
        expected = Some(next.version);
    }
    // The wait is sent with the script, in the same round trip.
    assert_eq!(
        (master.calls_of("evalsha"), master.calls_of("wait")),
        (50, 50)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_without_a_replica_is_ambiguous() {
    let master = RedisServer::start(&[]);
    let replica = replica_of(&master);
    let patient = waiting(&master, Duration::from_secs(30)).await;
    let store = waiting(&master, Duration::from_millis(100)).await;
    let (first, mine) = (entry("first"), entry("mine"));
    let _ = patient.put(&key("a"), &first, None).await.unwrap();

    replica.signal("STOP");
    let error = store
        .put(&key("a"), &mine, Some(first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error:?}");
    assert!(matches!(
        cause(&error),
        RedisError::NotReplicated {
            acknowledged: 0,
            wanted: 1,
            ..
        }
    ));
    // The master has it, but a failover could lose it: a reader would take it for landed.
    let error = store.get(&key("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), RedisError::NotReplicated { .. }));

    let again = store.put(&key("a"), &mine, Some(first.version)).await;
    let error = again.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    replica.signal("CONT");
    let found = patient.get(&key("a")).await.unwrap();
    assert_eq!(found, Some(mine.clone()));
    let again = patient.put(&key("a"), &mine, Some(first.version)).await;
    let outcome = again.unwrap();
    assert_eq!(outcome, Outcome::Conflict(Some(mine)));
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_of_one_master_do_not_answer_for_another() {
    let mut cluster = Cluster::start();
    cluster.add_replica(1);
    let options = patient(&cluster.url())
        .min_replicas(1)
        .replication_timeout(Duration::from_millis(100));
    let store = options.open_plaintext().await.unwrap();
    // A put at the first node, which has no replica, and later one that a replica has.
    let mut lacking = None;
    for number in 0.. {
        let key = key(&format!("user-{number}"));
        match store.put(&key, &entry("mine"), None).await {
            Ok(_) if lacking.is_some() => break,
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, StoreError::Ambiguous { .. }), "{error:?}");
                if cluster.nodes[0].call::<u64>(&["DBSIZE"]) > 0 {
                    lacking.get_or_insert(key);
                }
            }
        }
    }
    let error = store.get(&lacking.unwrap()).await.unwrap_err();
    assert!(matches!(cause(&error), RedisError::NotReplicated { .. }));
}
