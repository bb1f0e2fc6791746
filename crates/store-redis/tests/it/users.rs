//! Redis users with only the permissions of the README.

use std::collections::HashMap;
use std::slice;
use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Filter, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisStore};

use crate::groups::Cluster;
use crate::sentinel_group::{SentinelGroup, opened};
use crate::server::RedisServer;
use crate::support::{cause, entry, key, listed, open, patient, until};

/// Creates the user of the README, with additional rules.
fn set_user(server: &RedisServer, extra: &[&str]) {
    let readme = include_str!("../../README.md").lines();
    let commands = readme.filter(|line| line.starts_with("ACL SETUSER tokenkeeper "));
    let mut count = 0;
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let _: String = server.call(&words);
        count += 1;
    }
    assert_eq!(count, 4);
    let _: String = server.call(&[&["ACL", "SETUSER", "tokenkeeper"], extra].concat());
}

/// Uses every method, and checks that no server refused any command, not even an optional one.
async fn try_out(store: &RedisStore, servers: &[RedisServer]) {
    let later = SystemTime::now() + Duration::from_secs(60);
    let first = entry("first").with_keep_until(later);
    let outcome = store.put(&key("a"), &first, None).await;
    assert!(outcome.expect("an outcome").is_applied());
    let found = store.get(&key("a")).await.expect("an answer");
    assert_eq!(found, Some(first));
    assert_eq!(listed(store, Filter::All, 10).await, [key("a")]);
    let due = Filter::DueBefore(later);
    let keys: Vec<_> = (0..200).map(|number| key(&format!("{number}"))).collect();
    for key in &keys {
        let entry = entry("due").with_due(later - Duration::from_secs(1));
        let _ = store.put(key, &entry, None).await.expect("an outcome");
    }
    assert_eq!(listed(store, due, 7).await.len(), keys.len());
    let claimed = store.claim(&keys, later, Duration::from_secs(60)).await;
    assert_eq!(claimed.expect("an answer").len(), keys.len());
    assert_eq!(listed(store, due, 7).await, []);
    let watcher = store.watch();
    let watches = |server: &RedisServer| {
        let (_, count): (String, u64) = server.call(&["PUBSUB", "NUMSUB", "tokenkeeper:changes"]);
        count == 1
    };
    tokio::task::block_in_place(|| {
        until("a subscription", || servers.iter().any(watches));
    });
    drop(watcher);
    for server in servers {
        let mut log: Vec<HashMap<String, redis::Value>> = server.call(&["ACL", "LOG"]);
        // The client sends its name, which only versions after 7.0 know and log.
        log.retain(|refusal| !format!("{refusal:?}").contains("cmd=client "));
        assert!(log.is_empty(), "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_acl_of_the_readme_is_sufficient() {
    let server = RedisServer::start(&[]);
    set_user(&server, &[]);
    let url = format!("redis://tokenkeeper:secret@127.0.0.1:{}/0", server.port);
    let store = open(&url).await;
    try_out(&store, slice::from_ref(&server)).await;

    let _: String = server.call(&["ACL", "SETUSER", "tokenkeeper", "-set"]);
    let error = store.put(&key("b"), &entry("b"), None).await.unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::NotPermitted { .. }),
        "{error:?}"
    );
    assert!(!error.is_transient());
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinel_takes_one_more_rule_and_its_own_login() {
    let watched = SentinelGroup::start_alone();
    set_user(&watched.servers[0], &["+role"]);
    // From now on, the sentinel requires a password.
    let _: String =
        watched
            .sentinel
            .call(&["ACL", "SETUSER", "default", "resetpass", ">watchword"]);
    let url = watched.url().replace("://", "://tokenkeeper:secret@");
    let options = || patient(&url).allow_unencrypted_network();
    let error = loop {
        let error = options().open_plaintext().await.unwrap_err();
        if !error.is_transient() {
            break error;
        }
    };
    assert!(
        matches!(cause(&error), RedisError::Refused { .. }),
        "{error:?}"
    );
    let with_login = || options().sentinel_login("", "watchword").open_plaintext();
    let store = opened(async || with_login().await).await;
    try_out(&store, &watched.servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_takes_two_more_rules() {
    let cluster = Cluster::start();
    for node in &cluster.nodes {
        set_user(node, &["+cluster|slots", "+asking"]);
    }
    let url = cluster.url().replace("://", "://tokenkeeper:secret@");
    try_out(&open(&url).await, &cluster.nodes).await;
}
