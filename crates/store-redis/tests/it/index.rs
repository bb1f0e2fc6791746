//! The index never differs from the records.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_store::{Cursor, Entry, Filter, Key, StoreError, TokenStore, Version};
use tokenkeeper_store_redis::RedisError;

use crate::server::RedisServer;
use crate::support::{cause, entry, key, listed, open};

#[tokio::test]
async fn listings_match_the_records_after_any_writes() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let mut model: BTreeMap<Key, Entry> = BTreeMap::new();
    let time = |n: u64| UNIX_EPOCH + Duration::from_millis(4_000_000_000_000 + n);
    let mut random = 42_u64;
    let mut dice = |sides: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % sides
    };
    for round in 0..2_000 {
        let key = key(&format!("user-{}", dice(80)));
        let there = model.get(&key).map(|entry| entry.version);
        // One write of four is stale and changes nothing.
        let expected = if dice(4) == 0 {
            Some(Version::random())
        } else {
            there
        };
        if dice(4) == 0 {
            if let Some(expected) = expected {
                let outcome = store.delete(&key, expected).await.unwrap();
                assert_eq!(outcome.is_applied(), there == Some(expected));
                if outcome.is_applied() {
                    model.remove(&key);
                }
            }
        } else {
            let due = (dice(3) > 0).then(|| time(dice(5)));
            let keep = (dice(2) == 0).then(|| time(1_000));
            let new = entry("value")
                .with_due(due)
                .with_keep_until(keep)
                .with_attention(dice(3) == 0);
            let outcome = store.put(&key, &new, expected).await.unwrap();
            assert_eq!(outcome.is_applied(), there == expected);
            if outcome.is_applied() {
                model.insert(key, new);
            }
        }
        if round % 100 == 99 {
            for filter in [
                Filter::All,
                Filter::Attention,
                Filter::DueBefore(time(dice(6))),
            ] {
                let accepted = model.iter().filter(|(_, entry)| filter.accepts(entry));
                let wanted: Vec<Key> = accepted.map(|(key, _)| key.clone()).collect();
                assert_eq!(listed(&store, filter, 1 + dice(40) as usize).await, wanted);
            }
        }
    }
}

#[tokio::test]
async fn many_with_the_same_due_time_are_listed_once_each() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let now = SystemTime::now();
    let mut wanted = Vec::new();
    for number in 0..300 {
        let key = key(&format!("user-{number}"));
        let _ = store
            .put(&key, &entry("value").with_due(now), None)
            .await
            .unwrap();
        wanted.push(key);
    }
    wanted.sort();
    let soon = Filter::DueBefore(now + Duration::from_secs(1));
    for limit in [1, 2, 7, 1000] {
        assert_eq!(listed(&store, soon, limit).await, wanted);
    }
    let longest = store.list(soon, None, 1000).await.unwrap();
    assert!(longest.keys.len() <= 200 && longest.next.is_some());
    // The last key of each page is removed before the next page.
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(soon, cursor, 5).await.unwrap();
        if let Some(last) = page.keys.last() {
            let there = store.get(last).await.unwrap().unwrap();
            let _ = store.delete(last, there.version).await.unwrap();
        }
        seen.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn prefixes_and_databases_are_separate() {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let stores = [
        open(&url).await,
        open(&format!("{url}?prefix=other:")).await,
        open(&format!("{url}/5")).await,
    ];
    for (number, store) in stores.iter().enumerate() {
        assert_eq!(store.get(&key("a")).await.unwrap(), None);
        let new = entry("a").with_attention(true);
        assert!(store.put(&key("a"), &new, None).await.unwrap().is_applied());
        let own = key(&format!("own-{number}"));
        assert!(store.put(&own, &new, None).await.unwrap().is_applied());
        let mut wanted = vec![key("a"), own];
        wanted.sort();
        assert_eq!(listed(store, Filter::Attention, 10).await, wanted);
    }
}

#[tokio::test]
async fn a_cursor_of_another_listing_or_of_no_listing_is_refused() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    for number in 0..3 {
        let _ = store
            .put(&key(&format!("{number}")), &entry("a"), None)
            .await
            .unwrap();
    }
    let next = store
        .list(Filter::All, None, 1)
        .await
        .unwrap()
        .next
        .unwrap();
    let valid = next.as_bytes();
    let mut nonsense: Vec<Vec<u8>> = (0..valid.len()).map(|end| valid[..end].into()).collect();
    nonsense.push([valid, b"0"].concat());
    // The letter, the bucket and the id.
    for (place, byte) in [(0, b'x'), (9, 64), (10, b'g')] {
        let mut bytes = valid.to_vec();
        bytes[place] = byte;
        nonsense.push(bytes);
    }
    for bytes in nonsense {
        let error = store
            .list(Filter::All, Some(Cursor::new(bytes.clone())), 1)
            .await
            .unwrap_err();
        assert!(
            matches!(error, StoreError::Other { .. }),
            "{bytes:?}: {error:?}"
        );
    }
    let error = store
        .list(Filter::Attention, Some(next), 1)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Other { .. }), "{error:?}");
}

#[tokio::test]
async fn an_index_that_is_not_ours_is_an_error() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let _: String = server.call(&["SET", "tokenkeeper:{0}:keys", "text"]);
    let error = store.list(Filter::All, None, 1).await.unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::NotOurs { .. }),
        "{error:?}"
    );
}
