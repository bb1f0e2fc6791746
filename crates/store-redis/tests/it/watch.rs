//! The connection of the watchers.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokenkeeper_store::{BoxStream, Change, TokenStore};
use tokenkeeper_store_redis::RedisStore;
use tokio::time::timeout;

use crate::server::RedisServer;
use crate::support::{entry, key, shared, until};

/// A watcher that is already subscribed.
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
async fn a_stream_ends_with_its_connection_and_another_follows() {
    let mut server = RedisServer::start(&[]);
    let store = RedisStore::open_plaintext(&server.url()).await.unwrap();
    let mut watcher = listening(&store, &server, 1).await;
    let _: u64 = server.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    for (round, subject) in ["a", "b"].into_iter().enumerate() {
        if round == 1 {
            server.kill();
        }
        while watcher.next().await.is_some() {}
        if round == 1 {
            // Without a server the next one ends too.
            assert_eq!(store.watch().expect("a stream").next().await, None);
            server.start_again();
        }
        watcher = listening(&store, &server, 1).await;
        let writer = RedisStore::open_plaintext(&server.url()).await.unwrap();
        let _ = writer.put(&key(subject), &entry("a"), None).await.unwrap();
        assert_eq!(watcher.next().await.unwrap().key, key(subject));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subscription_ends_with_the_store() {
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
