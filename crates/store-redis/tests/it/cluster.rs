//! Tests that only a cluster can run.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use tokenkeeper_store::{Filter, StoreError, TokenStore};
use tokenkeeper_store_redis::RedisError;

use crate::groups::Cluster;
use crate::support::{cause, entry, is_record, key, listed, open, until};

/// The hash tag of a name.
fn tag(name: &str) -> u8 {
    let (_, rest) = name.split_once('{').expect("a tag");
    rest.split_once('}')
        .expect("its end")
        .0
        .parse()
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_slots_are_followed() {
    let cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let mut entries = HashMap::new();
    for number in 0..200 {
        let (key, entry) = (
            key(&format!("user-{number}")),
            entry("value").with_attention(true),
        );
        assert!(store.put(&key, &entry, None).await.unwrap().is_applied());
        entries.insert(key, entry);
    }
    let names: Vec<Vec<String>> = cluster
        .nodes
        .iter()
        .map(|node| node.call(&["KEYS", "*"]))
        .collect();
    let records = |names: &Vec<String>| names.iter().filter(|name| is_record(name)).count();
    let counts: Vec<usize> = names.iter().map(records).collect();
    assert_eq!(counts.iter().sum::<usize>(), 200);
    assert!(counts.iter().all(|count| *count > 30), "{counts:?}");

    // Calls during and after the move of a bucket to another server.
    let name = names[0].iter().find(|name| name.contains('{')).unwrap();
    let moving = cluster.begin_move(tag(name), 1);
    let waiting = moving.names();
    assert!(waiting.contains(name));
    for name in &waiting {
        moving.take(name);
    }
    for (key, entry) in &entries {
        assert_eq!(store.get(key).await.unwrap().as_ref(), Some(entry));
    }
    moving.finish();
    for (key, entry) in &mut entries {
        let next = self::entry("next");
        let outcome = store.put(key, &next, Some(entry.version)).await.unwrap();
        assert!(outcome.is_applied());
        *entry = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_a_moving_bucket_are_not_ready() {
    let cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let (key, first) = (key("a"), entry("first"));
    let _ = store.put(&key, &first, None).await.unwrap();
    let all: Vec<String> = cluster
        .nodes
        .iter()
        .flat_map(|node| node.call::<Vec<String>>(&["KEYS", "*"]))
        .collect();
    let tag = tag(&all[0]);
    let moving = cluster.begin_move(tag, (cluster.owner(tag) + 1) % 3);
    // The record has moved, its index has not.
    moving.take(all.iter().find(|name| is_record(name)).unwrap());
    let error = store
        .put(&key, &entry("mine"), Some(first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(
        matches!(cause(&error), RedisError::NotReady { .. }),
        "{error:?}"
    );
    assert_eq!(store.get(&key).await.unwrap(), Some(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_cluster_is_not_ready() {
    let mut cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    for number in 0..20 {
        let _ = store
            .put(&key(&format!("{number}")), &entry("value"), None)
            .await
            .unwrap();
    }
    cluster.nodes[2].kill();
    cluster.miss_after(Duration::from_millis(500));
    let first = &cluster.nodes[0];
    until("a cluster that knows it is incomplete", || {
        first
            .call::<String>(&["CLUSTER", "INFO"])
            .contains("cluster_state:fail")
    });
    let mut told = 0;
    for number in 0..20 {
        let key = key(&format!("{number}"));
        if let Err(error) = store.put(&key, &entry("next"), None).await {
            assert!(error.is_transient(), "{error:?}");
            told += usize::from(matches!(cause(&error), RedisError::NotReady { .. }));
        }
    }
    assert!(told > 0);
    let now = SystemTime::now();
    let claimed = store.claim(&[key("0")], now, Duration::ZERO).await;
    let listed = store.list(Filter::All, None, 10).await;
    for error in [listed.unwrap_err(), claimed.unwrap_err()] {
        assert!(error.is_transient(), "{error:?}");
    }
    cluster.nodes[2].start_again();
    cluster.settle();
    let mut found = 0;
    for number in 0..20 {
        let key = key(&format!("{number}"));
        found += loop {
            match store.get(&key).await {
                Ok(found) => break usize::from(found.is_some()),
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        };
    }
    // The killed node saves nothing.
    assert!(found >= 10, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_on_any_node_are_watched_and_listed() {
    let cluster = Cluster::start();
    let stores = [open(&cluster.url()).await, open(&cluster.url()).await];
    let mut watcher = stores[0].watch().unwrap();
    tokio::task::block_in_place(|| {
        until("a subscription", || {
            cluster.nodes.iter().any(|node| {
                let (_, count): (String, u64) =
                    node.call(&["PUBSUB", "NUMSUB", "tokenkeeper:changes"]);
                count == 1
            })
        });
    });
    let now = SystemTime::now();
    let mut wanted = Vec::new();
    for number in 0..30 {
        let key = key(&format!("user-{number}"));
        let _ = stores[1]
            .put(&key, &entry("value").with_due(now), None)
            .await
            .unwrap();
        wanted.push(key);
    }
    let told = watcher.by_ref().take(30).map(|change| change.key);
    let mut told: Vec<_> = told.collect().await;
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted);

    let filter = Filter::DueBefore(now + Duration::from_secs(1));
    let listed = listed(&stores[0], filter, 3).await;
    assert_eq!(listed, wanted);
}
