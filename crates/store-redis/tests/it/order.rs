//! Due listings have the earliest first, across all buckets.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Filter, Key, StoreError, TokenStore};
use tokenkeeper_store_redis::RedisStore;

use crate::groups::Cluster;
use crate::server::RedisServer;
use crate::support::{entry, is_record, key, open};

/// Puts entries with random due times up to `now`, of which several are due at the same time.
async fn put_due(store: &RedisStore, now: SystemTime, count: u32) -> HashMap<Key, SystemTime> {
    let mut due = HashMap::new();
    for number in 0..count {
        let key = key(&format!("user-{number}"));
        let time = now - Duration::from_millis(u64::from(number * 7919 % (count / 3)));
        let entry = entry("value").with_due(time);
        let outcome = store.put(&key, &entry, None).await;
        assert!(outcome.expect("an outcome").is_applied());
        due.insert(key, entry.due.expect("a due time"));
    }
    due
}

/// Lists all pages, in their order.
async fn in_order(store: &RedisStore, filter: Filter, limit: usize) -> Vec<Key> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(filter, cursor, limit).await.expect("a page");
        assert!(page.keys.len() <= limit && page.unread.is_empty());
        keys.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            return keys;
        }
    }
}

async fn expect_order(store: &RedisStore) {
    let now = SystemTime::now();
    let due = put_due(store, now, 600).await;
    for limit in [1, 7, 64, 200] {
        let keys = in_order(
            store,
            Filter::DueBefore(now + Duration::from_millis(1)),
            limit,
        )
        .await;
        assert!(keys.is_sorted_by_key(|key| due[key]), "pages of {limit}");
        let unique: HashMap<_, _> = keys.iter().map(|key| (key.clone(), due[key])).collect();
        assert_eq!((keys.len(), &unique), (due.len(), &due), "pages of {limit}");
    }
    // The bound is exclusive.
    let middle = now - Duration::from_millis(100);
    let keys = in_order(store, Filter::DueBefore(middle), 50).await;
    let wanted = due.values().filter(|time| **time < middle).count();
    assert_eq!(keys.len(), wanted);
}

#[tokio::test]
async fn the_earliest_comes_first_across_buckets() {
    let server = RedisServer::start(&[]);
    expect_order(&open(&server.url()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_earliest_comes_first_across_masters() {
    let cluster = Cluster::start();
    expect_order(&open(&cluster.url()).await).await;
}

#[tokio::test]
async fn a_cursor_stays_in_place_while_due_times_change() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let now = SystemTime::now();
    let due = put_due(&store, now, 300).await;
    let filter = Filter::DueBefore(now + Duration::from_millis(1));
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(filter, cursor, 10).await.unwrap();
        // Half of the page is claimed, a key is removed, and another is due again at once.
        let lasting = Duration::from_secs(60);
        let half = &page.keys[..page.keys.len() / 2];
        assert_eq!(
            store.claim(half, now + lasting, lasting).await.unwrap(),
            half
        );
        if let Some(last) = page.keys.last() {
            let there = store.get(last).await.unwrap().unwrap();
            let _ = store.delete(last, there.version).await.unwrap();
        }
        let early = entry("early").with_due(now - Duration::from_secs(60));
        let _ = store.put(&key("early"), &early, None).await.unwrap();
        seen.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(seen.is_sorted_by_key(|key| due[key]));
    seen.sort();
    let mut wanted: Vec<Key> = due.into_keys().collect();
    wanted.sort();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_damaged_record_does_not_end_a_listing() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let now = SystemTime::now();
    let due = put_due(&store, now, 30).await;
    let names: Vec<String> = server.call(&["KEYS", "*"]);
    let name = names.iter().find(|name| is_record(name)).unwrap();
    let _: String = server.call(&["SET", name, "text of another program"]);
    for filter in [
        Filter::All,
        Filter::DueBefore(now + Duration::from_millis(1)),
    ] {
        let page = store.list(filter, None, 100).await.unwrap();
        assert_eq!(page.keys.len(), due.len() - 1);
        let [StoreError::Corrupt { .. }] = page.unread.as_slice() else {
            panic!("{:?}", page.unread);
        };
    }
}
