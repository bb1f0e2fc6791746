//! Nodes that answer, but know less of their cluster than others, and nodes that hang.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokenkeeper_store::{Filter, StoreError, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisStore};
use tokio::net::TcpSocket;

use crate::fake_node::{FakeNode, Reply, slots};
use crate::groups::Cluster;
use crate::support::{LIMIT, cause, entry, key, open, patient, until};

const LAST: u16 = 16383;
const FOREVER: Duration = Duration::from_secs(3600);

fn down() -> Option<Reply> {
    Some(Reply::Say(
        "-CLUSTERDOWN The cluster is down\r\n".to_owned(),
    ))
}

/// Calls until an answer comes; before, the cluster is not ready.
async fn answered<T>(call: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let start = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => {
                let cause = cause(&error);
                assert!(matches!(cause, RedisError::NotReady { .. }), "{error:?}");
            }
        }
        assert!(start.elapsed() < LIMIT, "timed out: the other nodes");
        tokio::task::yield_now().await;
    }
}

/// Starts a node that still considers itself the master of all slots and the first node of
/// `cluster` its replica, and refuses calls as one that reaches no other node; returns its URL.
async fn old_master(cluster: &Cluster) -> String {
    let (node, replica) = (FakeNode::bind().await, cluster.nodes[0].port);
    let (url, port) = (
        format!("redis+cluster://127.0.0.1:{}", node.port),
        node.port,
    );
    node.serve(move |command| match command {
        "CLUSTER" => Some(slots(&[(0, LAST, &[port, replica])])),
        "GET" | "EVALSHA" => down(),
        _ => None,
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn other_nodes_are_believed_if_a_node_is_cut_off() {
    let cluster = Cluster::start();
    let store = open(&old_master(&cluster).await).await;
    assert_eq!(answered(async || store.get(&key("a")).await).await, None);
    let outcome = store.put(&key("a"), &entry("value"), None).await;
    assert!(outcome.unwrap().is_applied());
    // A listing finds out, too.
    let store = open(&old_master(&cluster).await).await;
    let page = answered(async || store.list(Filter::All, None, 10).await).await;
    assert_eq!(page.keys, [key("a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_answer_does_not_bring_back_a_dead_master() {
    let (old, new) = (FakeNode::bind().await, FakeNode::bind().await);
    let url = format!("redis+cluster://127.0.0.1:{}", old.port);
    // The port of the dead master is taken, and nothing listens there.
    let dead = TcpSocket::new_v4().unwrap();
    dead.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let ports = [dead.local_addr().unwrap().port(), new.port, old.port];
    old.serve(move |command| match command {
        "CLUSTER" => Some(slots(&[(0, 8191, &ports[..2]), (8192, LAST, &ports[2..])])),
        _ => None,
    });
    new.serve(move |command| match command {
        "CLUSTER" => Some(slots(&[(0, 8191, &ports[1..2]), (8192, LAST, &ports[2..])])),
        _ => None,
    });
    let replica = format!("\"127.0.0.1:{}\": (0, None)", ports[1]);
    // Either node may answer first.
    for _ in 0..8 {
        let store = open(&url).await;
        // One search is enough.
        let page = store.list(Filter::All, None, 10).await.unwrap();
        assert_eq!(page.unread.len(), 1);
        tokio::task::block_in_place(|| {
            until("the new master", || {
                !format!("{store:?}").contains(&replica)
            });
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_at_new_addresses_are_found_by_the_url() {
    let (seed, old, new) = (
        FakeNode::bind().await,
        FakeNode::bind().await,
        FakeNode::bind().await,
    );
    let url = format!("redis+cluster://127.0.0.1:{}", seed.port);
    let (old_port, new_port) = (old.port, new.port);
    let moved = Arc::new(AtomicBool::new(false));
    let has_moved = |moved: &Arc<AtomicBool>| {
        let moved = moved.clone();
        move || moved.load(Ordering::Relaxed)
    };
    let (at_seed, at_old) = (has_moved(&moved), has_moved(&moved));
    seed.serve(move |command| {
        let port = if at_seed() { new_port } else { old_port };
        (command == "CLUSTER").then(|| slots(&[(0, LAST, &[port])]))
    });
    old.serve(move |_| at_old().then_some(Reply::Close));
    new.serve(|_| None);
    let store = open(&url).await;
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
    moved.store(true, Ordering::Relaxed);
    let start = Instant::now();
    while store.get(&key("a")).await.is_err() {
        assert!(start.elapsed() < LIMIT, "timed out: {store:?}");
        tokio::task::yield_now().await;
    }
    // The old one is forgotten.
    let known = format!("{store:?}");
    assert!(
        known.contains(&format!("127.0.0.1:{new_port}\": (64, None)")),
        "{known}"
    );
    assert!(
        !known.contains(&format!("127.0.0.1:{old_port}\"")),
        "{known}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_slots_ends_with_the_store() {
    let node = FakeNode::bind().await;
    let (url, port) = (
        format!("redis+cluster://127.0.0.1:{}", node.port),
        node.port,
    );
    let asked = AtomicUsize::new(0);
    let mut hangs = node.serve(move |command| match command {
        "CLUSTER" if asked.fetch_add(1, Ordering::Relaxed) > 0 => Some(Reply::Hang),
        "CLUSTER" => Some(slots(&[(0, LAST, &[port])])),
        "GET" => down(),
        _ => None,
    });
    let store = hanging(&url).await;
    store.get(&key("a")).await.unwrap_err();
    hangs.hung().await;
    drop(store);
    hangs.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_ends_with_the_store() {
    let (good, bad) = (FakeNode::bind().await, FakeNode::bind().await);
    let url = format!("redis+cluster://127.0.0.1:{}", good.port);
    let ports = [good.port, bad.port];
    good.serve(move |command| match command {
        "CLUSTER" => Some(slots(&[(0, 8191, &ports[..1]), (8192, LAST, &ports[1..])])),
        _ => None,
    });
    let mut hangs = bad.serve(|command| match command {
        "EVALSHA" => Some(Reply::Close),
        "PING" => Some(Reply::Hang),
        _ => None,
    });
    let store = hanging(&url).await;
    for _ in 0..2 {
        let page = store.list(Filter::All, None, 10).await.unwrap();
        assert_eq!(page.unread.len(), 1);
    }
    hangs.hung().await;
    drop(store);
    hangs.ended().await;
}

/// A store that waits for every answer.
async fn hanging(url: &str) -> RedisStore {
    let options = patient(url).response_timeout(FOREVER);
    options.open_plaintext().await.expect("a store")
}
