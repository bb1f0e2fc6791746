//! The expiry of records in Redis, and the removal of their index.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_store::{Filter, TokenStore};

use crate::server::RedisServer;
use crate::support::{entry, key, open, until};

/// Returns when the only record expires; -1 means never.
fn expires(server: &RedisServer) -> i64 {
    let names: Vec<String> = server.call(&["KEYS", "*"]);
    let name = names
        .iter()
        .find(|name| name.rsplit(':').next().is_some_and(|id| id.len() == 40));
    // Redis 6.2 only returns the remaining time: exact if no millisecond ends meanwhile.
    let script = "
        local function now()
            local time = redis.call('TIME')
            return time[1] * 1000 + math.floor(time[2] / 1000)
        end
        local before, left = now(), redis.call('PTTL', KEYS[1])
        return {before, left, now()}";
    let ask = ["EVAL", script, "1", name.expect("a record")];
    loop {
        let (before, left, after): (i64, i64, i64) = server.call(&ask);
        match left {
            -1 => return -1,
            left if before == after => return before + left,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_record_expires_exactly_at_keep_until() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let time = UNIX_EPOCH + Duration::new(4_000_000_000, 123_000_001);
    let first = entry("first").with_keep_until(time);
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    // Rounded up, by less than a millisecond.
    assert_eq!(expires(&server), 4_000_000_000_124);
    let ever = entry("forever");
    let _ = store
        .put(&key("a"), &ever, Some(first.version))
        .await
        .unwrap();
    assert_eq!(expires(&server), -1);
    let last = entry("last").with_keep_until(UNIX_EPOCH + Duration::from_secs(u64::MAX / 4));
    let _ = store
        .put(&key("a"), &last, Some(ever.version))
        .await
        .unwrap();
    assert_eq!(expires(&server), 253_402_300_799_999);
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(last));
}

#[tokio::test]
async fn a_listing_removes_expired_records_from_the_index() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let soon = SystemTime::now() + Duration::from_millis(20);
    for number in 0..100 {
        let entry = entry("value")
            .with_keep_until(soon)
            .with_due(soon)
            .with_attention(true);
        let _ = store
            .put(&key(&format!("user-{number}")), &entry, None)
            .await
            .unwrap();
    }
    until("the expiry of the records", || {
        SystemTime::now() > soon + Duration::from_millis(2)
    });
    let page = store.list(Filter::All, None, 1000).await.unwrap();
    assert_eq!((page.keys, page.next), (vec![], None));
    until("an empty server", || {
        server.call::<Vec<String>>(&["KEYS", "*"]).is_empty()
    });
}

#[tokio::test]
async fn writes_remove_expired_records_from_the_index() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let soon = SystemTime::now() + Duration::from_millis(20);
    for number in 0..200 {
        let entry = entry("value").with_keep_until(soon).with_due(soon);
        let _ = store
            .put(&key(&format!("old-{number}")), &entry, None)
            .await
            .unwrap();
    }
    // The script uses whole seconds, so that the two clocks need not agree exactly.
    until("the expiry of the records", || {
        SystemTime::now() > soon + Duration::from_millis(1_001)
    });
    let mut last = None;
    for number in 0..2_000 {
        let entry = entry("value");
        let _ = store
            .put(&key(&format!("new-{}", number % 500)), &entry, None)
            .await
            .unwrap();
        last = Some(number);
    }
    assert!(last.is_some());
    let names: Vec<String> = server.call(&["KEYS", "*:expiring"]);
    let left: u64 = names
        .iter()
        .map(|name| server.call::<u64>(&["ZCARD", name]))
        .sum();
    assert_eq!(left, 0, "{names:?}");
}

#[tokio::test]
async fn a_put_of_an_expired_record_leaves_nothing() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    for time in [
        UNIX_EPOCH,
        UNIX_EPOCH - Duration::from_secs(1),
        UNIX_EPOCH + Duration::from_secs(1),
    ] {
        let past = entry("past").with_keep_until(time).with_due(time);
        assert!(
            store
                .put(&key("a"), &past, None)
                .await
                .unwrap()
                .is_applied()
        );
        assert_eq!(store.get(&key("a")).await.unwrap(), None);
    }
    assert_eq!(
        server.call::<Vec<String>>(&["KEYS", "*"]),
        Vec::<String>::new()
    );
}
