//! Claims, as far as the conformance suite cannot see them.

use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Filter, Key, StoreError, TokenStore};
use tokenkeeper_store_redis::RedisStore;

use crate::groups::{Cluster, replica_of};
use crate::server::RedisServer;
use crate::support::{entry, is_record, key, listed, open};

const MINUTE: Duration = Duration::from_secs(60);

async fn put_due(store: &RedisStore, count: usize, due: SystemTime) -> Vec<Key> {
    let keys: Vec<Key> = (0..count).map(|number| key(&format!("{number}"))).collect();
    for key in &keys {
        let outcome = store.put(key, &entry("value").with_due(due), None).await;
        assert!(outcome.expect("an outcome").is_applied());
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn four_claimers_in_a_cluster_share_the_due_entries() {
    let cluster = Cluster::start();
    let now = SystemTime::now();
    let keys = put_due(&open(&cluster.url()).await, 600, now - MINUTE).await;
    let claimers = (0..4).map(|number| {
        let (url, mut keys) = (cluster.url(), keys.clone());
        keys.rotate_left(number * 150);
        tokio::spawn(async move { open(&url).await.claim(&keys, now, MINUTE).await })
    });
    let mut claimed = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        claimed.extend(claimer.await.unwrap().unwrap());
    }
    claimed.sort();
    let mut wanted = keys;
    wanted.sort();
    assert_eq!(claimed, wanted);
    let store = open(&cluster.url()).await;
    assert_eq!(listed(&store, Filter::DueBefore(now), 100).await, []);
    // As if they were due when their claims end.
    let end = now + MINUTE + Duration::from_millis(1);
    assert_eq!(listed(&store, Filter::DueBefore(end), 100).await, wanted);
}

#[tokio::test]
async fn a_claim_keeps_the_due_time_of_the_entry() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let now = SystemTime::now();
    let keys = put_due(&store, 3, now - MINUTE).await;
    let before = store.get(&keys[0]).await.unwrap();
    // A key that is given twice is claimed once.
    let twice = [keys[0].clone(), keys[0].clone()];
    assert_eq!(store.claim(&twice, now, MINUTE).await.unwrap(), keys[..1]);
    assert_eq!(store.get(&keys[0]).await.unwrap(), before);
}

#[tokio::test]
async fn a_claim_leaves_out_a_record_that_redis_has_expired() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let now = SystemTime::now();
    let keys = put_due(&store, 1, now - MINUTE).await;
    let names: Vec<String> = server.call(&["KEYS", "*"]);
    // As its expiry leaves it: without the record, with its index.
    let _: u64 = server.call(&["DEL", names.iter().find(|name| is_record(name)).unwrap()]);
    assert_eq!(store.claim(&keys, now, MINUTE).await.unwrap(), []);
}

#[tokio::test]
async fn a_claim_at_a_replica_is_read_only() {
    let master = RedisServer::start(&[]);
    let now = SystemTime::now();
    let keys = put_due(&open(&master.url()).await, 1, now - MINUTE).await;
    let replica = replica_of(&master);
    let store = open(&replica.url()).await;
    let error = store.claim(&keys, now, MINUTE).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
}
