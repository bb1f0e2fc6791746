//! Watchers are told of what any process changes, and of nothing else.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use tokenkeeper_store::{BoxStream, Change, TokenStore};
use tokenkeeper_store_redis::RedisStore;
use tokio::time::timeout;

use crate::server::RedisServer;
use crate::support::{entry, key, shared, until};

/// A watcher that listens already.
async fn listening(
    store: &RedisStore,
    server: &RedisServer,
    connections: u64,
) -> BoxStream<'static, Change> {
    let watcher = store.watch().expect("a stream");
    tokio::task::block_in_place(|| {
        until("a subscription", || {
            let info: String = server.call(&["INFO", "clients"]);
            info.contains(&format!("pubsub_clients:{connections}"))
                || subscribed(server) == connections
        });
    });
    watcher
}

fn subscribed(server: &RedisServer) -> u64 {
    let (_, count): (String, u64) = server.call(&["PUBSUB", "NUMSUB", "tokenkeeper:changes"]);
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn every_watcher_is_told_of_puts_and_deletes_of_any_process() {
    let server = RedisServer::start(&[]);
    let [one, other] = [
        RedisStore::open_plaintext(&server.url()).await.unwrap(),
        RedisStore::open_plaintext(&server.url()).await.unwrap(),
    ];
    let mut watchers = [
        listening(&one, &server, 1).await,
        listening(&one.clone(), &server, 1).await,
        listening(&other, &server, 2).await,
    ];
    let (a, b) = (entry("a"), entry("b"));
    let _ = one.put(&key("a"), &a, None).await.unwrap();
    let _ = other.put(&key("b"), &b, None).await.unwrap();
    let _ = other.delete(&key("a"), a.version).await.unwrap();
    let changes = [
        Change::new(key("a"), a.version),
        Change::new(key("b"), b.version),
        Change::new(key("a"), None),
    ];
    for watcher in &mut watchers {
        let told: Vec<_> = watcher.take(3).collect().await;
        assert_eq!(told, changes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_changes_nothing_and_is_not_told() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open_plaintext(&server.url()).await.unwrap();
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    let mut watcher = listening(&store, &server, 1).await;
    let _ = store.put(&key("a"), &entry("b"), None).await.unwrap();
    let _ = store.delete(&key("b"), entry("b").version).await.unwrap();
    let _ = store.put(&key("last"), &entry("b"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("last"));
    assert_eq!(watcher.next().now_or_never(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_again_after_its_connection_was_lost() {
    let mut server = RedisServer::start(&[]);
    let store = RedisStore::open_plaintext(&server.url()).await.unwrap();
    let mut watcher = listening(&store, &server, 1).await;
    let _: u64 = server.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    for (round, subject) in ["a", "b"].into_iter().enumerate() {
        if round == 1 {
            server.kill();
            server.start_again();
        }
        tokio::task::block_in_place(|| until("a subscription", || subscribed(&server) == 1));
        let writer = RedisStore::open_plaintext(&server.url()).await.unwrap();
        let _ = writer.put(&key(subject), &entry("a"), None).await.unwrap();
        assert_eq!(watcher.next().await.unwrap().key, key(subject));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_ends_with_the_store_and_its_connection_too() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open_plaintext(&server.url()).await.unwrap();
    let mut watcher = listening(&store, &server, 1).await;
    drop(store);
    assert_eq!(
        timeout(Duration::from_secs(10), watcher.next())
            .await
            .unwrap(),
        None
    );
    tokio::task::block_in_place(|| {
        until("the end of the subscription", || subscribed(&server) == 0);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn another_prefix_is_another_channel() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open_plaintext(&server.url()).await.unwrap();
    let other = shared(&server.url()).open_plaintext().await.unwrap();
    let mut watcher = listening(&store, &server, 1).await;
    let _ = other.put(&key("theirs"), &entry("a"), None).await.unwrap();
    let _ = store.put(&key("ours"), &entry("a"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().key, key("ours"));
}
