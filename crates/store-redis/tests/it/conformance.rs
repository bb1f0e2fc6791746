//! The suite over the store: one server, encrypted, behind `Arc<dyn>`, a cluster, and Sentinel after a failover.

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use tokenkeeper_store::{Encrypted, Filter, TokenStore};
use tokenkeeper_store_redis::RedisStore;

use crate::groups::Cluster;
use crate::server::RedisServer;
use crate::support::{keyring, shared};
use crate::watched::{Watched, opened};

// They end with the process.
static SERVER: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start(&[]));
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
static WATCHED: LazyLock<Watched> = LazyLock::new(|| {
    let watched = Watched::start();
    watched.fail_over();
    watched
});

mod plaintext {
    tokenkeeper_store::conformance!(super::plaintext);
}

mod encrypted {
    tokenkeeper_store::conformance!(super::encrypted);
}

mod behind_arc_dyn {
    tokenkeeper_store::conformance!(super::behind_arc_dyn);
}

mod in_a_cluster {
    tokenkeeper_store::conformance!(super::in_a_cluster);
}

mod behind_sentinel {
    tokenkeeper_store::conformance!(super::behind_sentinel);
}

async fn plaintext() -> RedisStore {
    shared(&SERVER.url()).plaintext().await.expect("a store")
}

async fn encrypted() -> Encrypted<RedisStore> {
    shared(&SERVER.url())
        .open(keyring())
        .await
        .expect("a store")
}

async fn behind_arc_dyn() -> Arc<dyn TokenStore> {
    Arc::new(encrypted().await)
}

async fn in_a_cluster() -> Encrypted<RedisStore> {
    let store = shared(&CLUSTER.url()).open(keyring()).await;
    store.expect("a store")
}

async fn behind_sentinel() -> Encrypted<RedisStore> {
    let options = shared(&WATCHED.url());
    opened(async || options.clone().open(keyring()).await).await
}

// The rules of the suite let a store say that it does neither.
#[tokio::test]
async fn it_lists_and_can_be_watched() {
    let store = plaintext().await;
    for filter in [
        Filter::All,
        Filter::Attention,
        Filter::DueBefore(SystemTime::now()),
    ] {
        assert!(store.list(filter, None, 10).await.is_ok());
    }
    assert!(store.watch().is_some());
}
