//! Listings and claims of a cluster whose nodes come and go, and the calls that they cost.

use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime};

use tokenkeeper_store::{Cursor, Filter, Key, Page, StoreError, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisStore};
use tokio::time::timeout;

use crate::groups::Cluster;
use crate::server::RedisServer;
use crate::support::{LIMIT, cause, entry, is_record, key, listed, open, until};

const MINUTE: Duration = Duration::from_secs(60);

/// Puts due entries, and returns their keys by the node that has them.
async fn put_due(store: &RedisStore, cluster: &Cluster, due: SystemTime) -> [Vec<Key>; 3] {
    let mut keys = [Vec::new(), Vec::new(), Vec::new()];
    let records = |node: usize| -> u64 {
        let names: Vec<String> = cluster.nodes[node].call(&["KEYS", "*"]);
        names.iter().filter(|name| is_record(name)).count() as u64
    };
    for number in 0..60 {
        let before = [0, 1, 2].map(records);
        let key = key(&format!("user-{number}"));
        let outcome = store.put(&key, &entry("value").with_due(due), None).await;
        assert!(outcome.expect("an outcome").is_applied());
        let node = (0..3).find(|node| records(*node) > before[*node]);
        keys[node.expect("a node with the record")].push(key);
    }
    keys.iter_mut().for_each(|keys| keys.sort());
    assert!(keys.iter().all(|keys| !keys.is_empty()));
    keys
}

/// Lists all pages: their keys, sorted, and what they could not read.
async fn listed_in_part(store: &RedisStore, filter: Filter) -> (Vec<Key>, Vec<StoreError>) {
    let (mut keys, mut unread, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page: Page = store.list(filter, cursor, 7).await.expect("a page");
        keys.extend(page.keys);
        unread.extend(page.unread);
        cursor = page.next;
        if cursor.is_none() {
            keys.sort();
            return (keys, unread);
        }
    }
}

/// Lists until everything can be read.
async fn listed_again(store: &RedisStore, filter: Filter) -> Vec<Key> {
    loop {
        let (keys, unread) = listed_in_part(store, filter).await;
        if unread.is_empty() {
            return keys;
        }
        assert!(unread.iter().all(StoreError::is_transient), "{unread:?}");
        tokio::task::yield_now().await;
    }
}

/// Reads the pages after `before`, each again until it is whole, and expects `keys` in all.
async fn expect_all_found(store: &RedisStore, before: Page, keys: &[Key]) {
    let start = Instant::now();
    let (mut found, mut cursor) = (before.keys, before.next);
    while let Some(place) = cursor {
        let page = store.list(Filter::All, Some(place.clone()), 20).await;
        assert!(
            start.elapsed() < LIMIT,
            "timed out: {page:?} from {store:?}"
        );
        cursor = Some(place);
        if let Ok(page) = page
            && page.unread.is_empty()
        {
            found.extend(page.keys);
            cursor = page.next;
        }
        tokio::task::yield_now().await;
    }
    found.sort();
    assert_eq!(found, keys);
}

/// Replaces an entry.
async fn put_over(store: &RedisStore, key: &Key) {
    let there = store.get(key).await.expect("an answer").expect("an entry");
    let outcome = store.put(key, &entry("next"), Some(there.version)).await;
    assert!(outcome.expect("an outcome").is_applied());
}

fn sorted(keys: &[&[Key]]) -> Vec<Key> {
    let mut keys = keys.concat();
    keys.sort();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_at_rest_is_one_call_to_each_master() {
    let cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let calls = || [0, 1, 2].map(|node| cluster.nodes[node].calls_of("evalsha"));
    let now = SystemTime::now();
    for filter in [Filter::DueBefore(now), Filter::All, Filter::Attention] {
        let before = calls();
        assert_eq!(listed(&store, filter, 200).await, []);
        assert_eq!(calls(), before.map(|calls| calls + 1));
    }
    let keys = put_due(&store, &cluster, now - MINUTE).await;
    let before = calls();
    let page = store.list(Filter::All, None, 200).await.unwrap();
    assert_eq!((page.keys.len(), page.next), (60, None));
    let claimed = store.claim(&keys.concat(), now, MINUTE).await.unwrap();
    assert_eq!(claimed.len(), 60);
    assert_eq!(calls(), before.map(|calls| calls + 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_master_is_named_and_the_others_are_read() {
    let mut cluster = Cluster::start();
    cluster.allow_gaps();
    let store = open(&cluster.url()).await;
    let now = SystemTime::now();
    let keys = put_due(&store, &cluster, now - MINUTE).await;
    let living = sorted(&[&keys[0], &keys[1]]);
    let dead = cluster.nodes[2].port;
    cluster.nodes[2].kill();
    for filter in [Filter::DueBefore(now), Filter::All] {
        let (found, unread) = listed_in_part(&store, filter).await;
        assert_eq!(found, living);
        assert!(!unread.is_empty());
        for error in &unread {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            let server = match cause(error) {
                RedisError::Unreachable { server, .. } | RedisError::NoAnswer { server, .. } => {
                    server
                }
                other => panic!("{other:?}"),
            };
            assert!(
                server.starts_with(&format!("127.0.0.1:{dead} ")),
                "{server}"
            );
        }
    }
    // A new process meets the same cluster.
    let (found, unread) = listed_in_part(&open(&cluster.url()).await, Filter::All).await;
    assert_eq!((found, unread.is_empty()), (living.clone(), false));

    let claimed = store
        .claim(&sorted(&[&living, &keys[2]]), now, MINUTE)
        .await;
    assert_eq!(sorted(&[&claimed.unwrap()]), living);
    assert!(store.get(&keys[0][0]).await.unwrap().is_some());
    let error = store.get(&keys[2][0]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    cluster.nodes[2].start_again();
    cluster.settle();
    // It saves nothing.
    assert_eq!(listed_again(&store, Filter::All).await, living);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_hangs_delays_no_later_page() {
    let mut cluster = Cluster::start();
    cluster.allow_gaps();
    let store = open(&cluster.url()).await;
    let keys = put_due(&store, &cluster, SystemTime::now()).await;
    cluster.nodes[2].kill();
    let (_, unread) = listed_in_part(&store, Filter::All).await;
    assert!(!unread.is_empty());
    // From now on connections to it are made and never answered, for as long as a timeout lasts.
    let mut hanging = None;
    until("the port of the dead server", || {
        hanging = TcpListener::bind(("127.0.0.1", cluster.nodes[2].port)).ok();
        hanging.is_some()
    });
    for _ in 0..20 {
        let listing = listed_in_part(&store, Filter::All);
        let (found, unread) = timeout(LIMIT / 2, listing).await.expect("no wait");
        assert_eq!(
            (found, unread.is_empty()),
            (sorted(&[&keys[0], &keys[1]]), false)
        );
        let claiming = store.claim(&keys[2], SystemTime::now() + MINUTE, MINUTE);
        let claimed = timeout(LIMIT / 2, claiming).await.expect("no wait");
        assert!(claimed.unwrap_err().is_transient());
        assert!(store.get(&keys[0][0]).await.unwrap().is_some());
    }
    drop(hanging);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_fails_if_no_master_answers() {
    let mut cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let keys = put_due(&store, &cluster, SystemTime::now()).await.concat();
    cluster.nodes.iter_mut().for_each(RedisServer::kill);
    for _ in 0..2 {
        let error = store.list(Filter::All, None, 7).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        let claimed = store.claim(&keys, SystemTime::now(), MINUTE);
        let error = claimed.await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_stays_valid_while_buckets_move() {
    let cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let now = SystemTime::now();
    let keys = put_due(&store, &cluster, now - MINUTE).await;
    for filter in [Filter::All, Filter::DueBefore(now)] {
        let (mut found, mut cursor): (Vec<Key>, Option<Cursor>) = (Vec::new(), None);
        for tag in 0.. {
            let page = store.list(filter, cursor, 5).await.unwrap();
            assert!(page.unread.is_empty(), "{:?}", page.unread);
            found.extend(page.keys);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            let moving = cluster.begin_move(tag % 64, (cluster.owner(tag % 64) + 1) % 3);
            moving.finish();
        }
        found.sort();
        assert_eq!(found, sorted(&[&keys.concat()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_moving_is_named() {
    let cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let now = SystemTime::now();
    let keys = put_due(&store, &cluster, now - MINUTE).await.concat();
    let name = (0..3)
        .flat_map(|node| cluster.nodes[node].call::<Vec<String>>(&["KEYS", "*:due"]))
        .next()
        .unwrap();
    let (_, rest) = name.split_once('{').unwrap();
    let tag: u8 = rest.split_once('}').unwrap().0.parse().unwrap();
    let moving = cluster.begin_move(tag, (cluster.owner(tag) + 1) % 3);
    let names = moving.names();
    let records = names.iter().filter(|name| is_record(name)).count();
    moving.take(&name);
    let filter = Filter::DueBefore(now);
    let (found, unread) = listed_in_part(&store, filter).await;
    assert_eq!(found.len(), keys.len() - records);
    let RedisError::NotReady { server, .. } = cause(&unread[0]) else {
        panic!("{unread:?}");
    };
    assert!(server.starts_with(&format!("bucket {tag} of ")), "{server}");
    moving.finish();
    assert_eq!(listed_again(&store, filter).await.len(), keys.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_of_a_dead_node_are_found_at_their_new_one() {
    let mut cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let now = SystemTime::now();
    let keys = put_due(&store, &cluster, now - MINUTE).await;
    let before = store.list(Filter::All, None, 20).await.unwrap();
    for tag in (0..64).filter(|tag| cluster.owner(*tag) == 0) {
        cluster.begin_move(tag, 1).finish();
    }
    // It cannot tell where they are.
    cluster.nodes[0].kill();
    expect_all_found(&store, before, &sorted(&[&keys.concat()])).await;
    put_over(&store, &keys[0][0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_replica_is_found() {
    let mut cluster = Cluster::start();
    let store = open(&cluster.url()).await;
    let keys = put_due(&store, &cluster, SystemTime::now() - MINUTE).await;
    cluster.add_replica(0);
    let before = store.list(Filter::All, None, 20).await.unwrap();
    cluster.nodes[0].kill();
    let _: String = cluster.replicas[0].call(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    expect_all_found(&store, before, &sorted(&[&keys.concat()])).await;
    put_over(&store, &keys[0][0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_outside_of_the_cluster_is_passed_over() {
    let cluster = Cluster::start();
    let stray = RedisServer::start(&["--cluster-enabled", "yes"]);
    let url = cluster.url();
    let url = url.replace("://", &format!("://127.0.0.1:{},", stray.port));
    // Whichever of the nodes answers first.
    for number in 0..10 {
        let store = open(&url).await;
        let (key, entry) = (key(&format!("{number}")), entry("value"));
        let outcome = store.put(&key, &entry, None).await.unwrap();
        assert!(outcome.is_applied());
    }
    assert_eq!(listed(&open(&url).await, Filter::All, 7).await.len(), 10);
}
