//! The suite over the store: one server, with cut connections, encrypted, behind `Arc<dyn>`, a
//! cluster, and Sentinel after a failover.

use std::sync::{Arc, LazyLock};

use tokenkeeper_store::TokenStore;
use tokenkeeper_store::conformance::{CuttingProxy, Subject};
use tokenkeeper_store_redis::RedisOptions;

use crate::groups::Cluster;
use crate::sentinel_group::{SentinelGroup, opened};
use crate::server::RedisServer;
use crate::support::{keyring, shared};

// They end with the process.
static SERVER: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start(&[]));
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
static WATCHED: LazyLock<SentinelGroup> = LazyLock::new(|| {
    let watched = SentinelGroup::start();
    watched.fail_over();
    watched
});

tokenkeeper_store::conformance!(
    mod plaintext, encrypted, behind_arc_dyn, in_a_cluster, behind_sentinel
);

async fn plaintext() -> Subject {
    let (proxy, options) = through_proxy().await;
    let open = async || options.clone().open_plaintext().await.expect("a store");
    subject(open().await, open().await).with_cutter(proxy)
}

async fn encrypted() -> Subject {
    let (proxy, options) = through_proxy().await;
    let open = async || options.clone().open(keyring()).await.expect("a store");
    subject(open().await, open().await).with_cutter(proxy)
}

async fn behind_arc_dyn() -> Subject {
    let (proxy, options) = through_proxy().await;
    let open = async || {
        let store = options.clone().open(keyring()).await.expect("a store");
        let store: Arc<dyn TokenStore> = Arc::new(store);
        store
    };
    subject(open().await, open().await).with_cutter(proxy)
}

// The servers of a cluster and of Sentinel announce their own ports, so that no proxy can be put
// between: their connections are cut by the tests of failovers.

async fn in_a_cluster() -> Subject {
    let options = shared(&CLUSTER.url());
    let open = async || options.clone().open(keyring()).await.expect("a store");
    subject(open().await, open().await).without_cutter()
}

async fn behind_sentinel() -> Subject {
    let options = shared(&WATCHED.url()).allow_unencrypted_network();
    let open = async || opened(async || options.clone().open(keyring()).await).await;
    subject(open().await, open().await).without_cutter()
}

/// Options for a store that connects through a proxy, which takes a call of a script for a write.
async fn through_proxy() -> (CuttingProxy, RedisOptions) {
    let server = ([127, 0, 0, 1], SERVER.port).into();
    let proxy = CuttingProxy::start(server, "EVALSHA")
        .await
        .expect("a free port");
    let options = shared(&format!("redis://{}", proxy.address()));
    (proxy, options)
}

/// Two stores with the same names, which share nothing else, as two processes do.
fn subject(store: impl TokenStore, peer: impl TokenStore) -> Subject {
    Subject::new(store)
        .with_peer(peer)
        .with_system_clock()
        .must_list()
        .must_list_by_due_time()
        .must_claim()
        .must_watch()
        .must_expire()
}
