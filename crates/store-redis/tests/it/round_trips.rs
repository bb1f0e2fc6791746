//! Each call is one command, and so one round trip.

use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Filter, TokenStore};

use crate::server::RedisServer;
use crate::support::{entry, key, open};

/// The commands of calls, by the server's count, without those of the test and of connecting.
fn sent(server: &RedisServer) -> u64 {
    ["evalsha", "eval", "get", "script|load", "ping", "wait"]
        .iter()
        .map(|command| server.calls_of(command))
        .sum()
}

#[tokio::test]
async fn each_call_is_one_command() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let (key, first, second) = (key("a"), entry("first"), entry("second"));
    let first = first.with_keep_until(SystemTime::now() + Duration::from_secs(60));
    let _: String = server.call(&["CONFIG", "RESETSTAT"]);

    let _ = store.get(&key).await.unwrap();
    assert_eq!(server.calls_of("get"), 1);
    let _ = store.put(&key, &first, None).await.unwrap();
    assert_eq!((server.calls_of("evalsha"), sent(&server)), (1, 2));
    let _ = store.put(&key, &second, None).await.unwrap();
    // The GET within a script counts too: it returns the record with the conflict.
    assert_eq!((server.calls_of("evalsha"), sent(&server)), (2, 4));
    let _ = store.put(&key, &second, Some(first.version)).await.unwrap();
    let _ = store.delete(&key, second.version).await.unwrap();
    assert_eq!((server.calls_of("evalsha"), sent(&server)), (4, 6));
    let _ = store.list(Filter::All, None, 100).await.unwrap();
    let _ = store
        .list(Filter::DueBefore(SystemTime::now()), None, 100)
        .await
        .unwrap();
    assert_eq!((server.calls_of("evalsha"), sent(&server)), (6, 8));
    let _ = store
        .claim(&[key], SystemTime::now(), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!((server.calls_of("evalsha"), sent(&server)), (7, 9));
    let _ = store.claim(&[], SystemTime::now(), Duration::ZERO).await;
    assert_eq!(sent(&server), 9);
}

#[tokio::test]
async fn a_server_without_the_scripts_is_sent_each_once() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let _: String = server.call(&["SCRIPT", "FLUSH"]);
    let _: String = server.call(&["CONFIG", "RESETSTAT"]);
    for subject in ["a", "b", "c"] {
        let outcome = store
            .put(&key(subject), &entry("value"), None)
            .await
            .unwrap();
        assert!(outcome.is_applied());
    }
    assert_eq!(
        (server.calls_of("evalsha"), server.calls_of("eval")),
        (3, 1)
    );
    let page = store.list(Filter::All, None, 100).await.unwrap();
    assert_eq!((page.keys.len(), page.next), (3, None));
    assert_eq!(
        (server.calls_of("evalsha"), server.calls_of("eval")),
        (4, 2)
    );
}
