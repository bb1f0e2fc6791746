//! Users of Redis with no more rights than the README says.

use std::collections::HashMap;
use std::slice;
use std::time::{Duration, SystemTime};

use tokenkeeper_store::{Filter, TokenStore};
use tokenkeeper_store_redis::{RedisError, RedisStore};

use crate::groups::Cluster;
use crate::server::RedisServer;
use crate::support::{cause, entry, key, open, patient, until};
use crate::watched::{Watched, opened};

/// Makes the user of the README, with these rules besides.
fn set_user(server: &RedisServer, besides: &[&str]) {
    let rules = include_str!("../../README.md")
        .lines()
        .find_map(|line| line.strip_prefix("ACL SETUSER tokenkeeper "))
        .expect("the rules in the README");
    let words = ["ACL", "SETUSER", "tokenkeeper"].into_iter();
    let words: Vec<&str> = words.chain(rules.split(' ')).collect();
    let _: String = server.call(&[&words, besides].concat());
}

/// Does all that a store can, and expects that no server refused anything, not even what is tried and passed over.
async fn try_out(store: &RedisStore, servers: &[RedisServer]) {
    let later = SystemTime::now() + Duration::from_secs(60);
    let first = entry("first").with_keep_until(later);
    let outcome = store.put(&key("a"), &first, None).await;
    assert!(outcome.expect("an outcome").is_applied());
    let found = store.get(&key("a")).await.expect("an answer");
    assert_eq!(found, Some(first));
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(Filter::All, cursor, 10).await.expect("a page");
        listed.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, [key("a")]);
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
        // The client says its name; Redis 7.0, which cannot be told it, does not log that.
        log.retain(|refusal| !format!("{refusal:?}").contains("cmd=client "));
        assert!(log.is_empty(), "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_rules_of_the_readme_can_do_all_and_one_with_fewer_is_told() {
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
async fn under_sentinel_it_needs_one_rule_more_and_a_login_at_the_sentinels_where_they_want_one() {
    let watched = Watched::start_alone();
    set_user(&watched.servers[0], &["+role"]);
    // From here on the sentinel answers nobody without a password.
    let _: String =
        watched
            .sentinel
            .call(&["ACL", "SETUSER", "default", "resetpass", ">watchword"]);
    let url = watched.url().replace("://", "://tokenkeeper:secret@");
    let options = || patient(&url);
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
async fn in_a_cluster_it_needs_two_rules_more() {
    let cluster = Cluster::start();
    for node in &cluster.nodes {
        set_user(node, &["+cluster|slots", "+asking"]);
    }
    let url = cluster.url().replace("://", "://tokenkeeper:secret@");
    try_out(&open(&url).await, &cluster.nodes).await;
}
