//! Wrong URLs, options, servers and records: a typed error, and nothing is overwritten.

use std::time::Duration;

use tokenkeeper_store::{Advice, Entry, StoreError, TokenStore, Version};
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

use crate::fake_node::{FakeNode, Reply};
use crate::server::{RedisServer, free_port};
use crate::support::{cause, entry, key, keyring, open, patient};

#[tokio::test]
async fn an_error_names_the_wrong_part_of_a_url() {
    let error = RedisStore::open("redis://localhost/seven", keyring())
        .await
        .unwrap_err();
    assert!(!error.is_transient());
    assert!(matches!(
        cause(&error),
        RedisError::BadUrl {
            part: "database",
            ..
        }
    ));
}

#[tokio::test]
async fn an_error_names_the_wrong_option() {
    let options = || RedisOptions::new("redis://localhost");
    for (options, wrong) in [
        (options().prefix("{a}"), "prefix"),
        (
            options().response_timeout(Duration::ZERO),
            "response_timeout",
        ),
        (options().connect_timeout(Duration::ZERO), "connect_timeout"),
        (
            options().replication_timeout(Duration::from_micros(1)),
            "replication_timeout",
        ),
    ] {
        let error = options.open_plaintext().await.unwrap_err();
        let RedisError::BadOption { option, .. } = cause(&error) else {
            panic!("{error:?}");
        };
        assert_eq!(*option, wrong);
    }
}

#[tokio::test]
async fn a_server_beyond_loopback_needs_tls_or_permission() {
    let port = free_port();
    for url in [
        "redis://redis.invalid".to_owned(),
        "redis://:hunter2@10.255.255.1/1".to_owned(),
        "redis://127.0.0.1.evil.invalid".to_owned(),
        "redis://0.0.0.0".to_owned(),
        "redis://[fd00::1]".to_owned(),
        format!("redis+cluster://127.0.0.1:{port},10.255.255.1:{port}"),
        // They name the server, and the login goes there.
        format!("redis+sentinel://127.0.0.1:{port}/main"),
    ] {
        let error = RedisStore::open(&url, keyring()).await.unwrap_err();
        assert_eq!(error.advice(), Advice::GiveUp, "{url}");
        let text = cause(&error).to_string();
        assert!(
            matches!(cause(&error), RedisError::Unencrypted { .. }),
            "{text}"
        );
        assert!(
            text.contains("rediss") && !text.contains("hunter2"),
            "{text}"
        );
    }
    let options = RedisOptions::new(format!("redis+sentinel://127.0.0.1:{port}/main"));
    let error = options.allow_unencrypted_network().open_plaintext().await;
    let error = error.unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::Unreachable { .. }),
        "{error:?}"
    );
    for host in ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"] {
        let url = format!("redis://{host}:{port}");
        let error = RedisStore::open_plaintext(&url).await.unwrap_err();
        assert!(
            matches!(cause(&error), RedisError::Unreachable { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_node_that_a_cluster_names_needs_tls_too() {
    let node = FakeNode::bind().await;
    let url = format!("redis+cluster://127.0.0.1:{}", node.port);
    let _hangs = node.serve(|command| {
        let slots = "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$12\r\n10.255.255.1\r\n:6379\r\n";
        (command == "CLUSTER").then(|| Reply::Say(slots.to_owned()))
    });
    let error = patient(&url).open_plaintext().await.unwrap_err();
    let RedisError::Unencrypted { node } = cause(&error) else {
        panic!("{error:?}");
    };
    assert_eq!(node, "10.255.255.1:6379");
    assert_eq!(error.advice(), Advice::GiveUp);
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_unavailable() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let error = RedisStore::open_plaintext(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let RedisError::Unreachable { server, .. } = cause(&error) else {
        panic!("{error:?}");
    };
    assert_eq!(*server, url);

    for kind in ["cluster", "sentinel"] {
        let path = if kind == "sentinel" { "/main" } else { "" };
        let url = format!("redis+{kind}://127.0.0.1:{}{path}", free_port());
        let options = RedisOptions::new(url).allow_unencrypted_network();
        let error = options.open_plaintext().await.unwrap_err();
        assert!(error.is_transient(), "{kind}: {error:?}");
        assert!(
            matches!(cause(&error), RedisError::Unreachable { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() {
    let server = RedisServer::start(&["--requirepass", "correct horse"]);
    let url = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port);
    for login in [":hunter2@", "someone:hunter2@", ""] {
        let error = patient(&url(login)).open_plaintext().await.unwrap_err();
        assert_eq!(error.advice(), Advice::GiveUp);
        assert!(
            matches!(cause(&error), RedisError::Refused { .. }),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let store = open(&url(":correct%20horse@")).await;
    assert!(store.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_evicts_is_refused_unless_that_is_allowed() {
    let server =
        RedisServer::start(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"]);
    let error = patient(&server.url()).open_plaintext().await.unwrap_err();
    let RedisError::Evicts { policy, .. } = cause(&error) else {
        panic!("{error:?}");
    };
    assert_eq!(policy, "volatile-lru");
    let options = patient(&server.url()).allow_eviction();
    assert!(options.open_plaintext().await.is_ok());
}

#[tokio::test]
async fn a_foreign_record_is_an_error_and_stays() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let (key, first) = (key("a"), entry("first"));
    let _ = store.put(&key, &first, None).await.unwrap();
    let names: Vec<String> = server.call(&["KEYS", "*}:????????????????????????????????????????"]);
    let [name] = names.as_slice() else {
        panic!("{names:?}");
    };
    let record: Vec<u8> = server.call(&["GET", name]);

    // A newer version, damage, text: `get` and `put` fail, and the record stays as it is.
    let mut newer = record.clone();
    newer[0] = 2;
    for (bytes, is_newer) in [(&newer[..], true), (&record[..20], false), (b"text", false)] {
        let _: String = server.call(&["SET".as_bytes(), name.as_bytes(), bytes]);
        let errors = [
            store.get(&key).await.unwrap_err(),
            store.put(&key, &entry("mine"), None).await.unwrap_err(),
            store
                .put(&key, &entry("mine"), Some(Version::random()))
                .await
                .unwrap_err(),
        ];
        for error in errors {
            match error {
                StoreError::NewerFormat { found: 2, .. } => assert!(is_newer),
                StoreError::Corrupt { .. } => assert!(!is_newer),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(server.call::<Vec<u8>>(&["GET", name]), bytes);
    }

    // A value of another type.
    let _: u64 = server.call(&["DEL", name]);
    let _: u64 = server.call(&["SADD", name, "member"]);
    for error in [
        store.get(&key).await.unwrap_err(),
        store.put(&key, &entry("mine"), None).await.unwrap_err(),
    ] {
        assert!(
            matches!(cause(&error), RedisError::NotOurs { .. }),
            "{error:?}"
        );
    }
    assert_eq!(server.call::<u64>(&["SCARD", name]), 1);
}

#[tokio::test]
async fn the_record_of_another_account_is_an_error() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    let names: Vec<String> = server.call(&["KEYS", "*"]);
    let is_record = |name: &&String| name.rsplit(':').next().unwrap().len() == 40;
    let record: Vec<u8> = server.call(&["GET", names.iter().find(is_record).unwrap()]);
    let _ = store.put(&key("b"), &entry("b"), None).await.unwrap();
    let all: Vec<String> = server.call(&["KEYS", "*"]);
    let other = all
        .iter()
        .filter(is_record)
        .find(|name| !names.contains(name))
        .unwrap();
    let _: String = server.call(&["SET".as_bytes(), other.as_bytes(), &record]);
    let error = store.get(&key("b")).await.unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::Damaged { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_wrong_encryption_key_overwrites_nothing() {
    let server = RedisServer::start(&[]);
    let store = patient(&server.url()).open(keyring()).await.unwrap();
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    let wrong = tokenkeeper_store::Keyring::new("test", [8; 32]).unwrap();
    let other = patient(&server.url()).open(wrong).await.unwrap();
    let error = other.get(&key("a")).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Undecryptable { .. }),
        "{error:?}"
    );
    let error = other
        .put(&key("a"), &entry("mine"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Undecryptable { .. }),
        "{error:?}"
    );
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first));
}

#[tokio::test]
async fn no_debug_shows_the_password_or_a_value() {
    let server = RedisServer::start(&["--requirepass", "hunter2"]);
    let url = format!("redis://:hunter2@127.0.0.1:{}", server.port);
    let options = patient(&url).sentinel_login("user", "hunter3");
    let broken = RedisOptions::new(url.replace("redis://", "hunter5"));
    let shown = format!("{options:?} {broken:?}");
    let store = options.open_plaintext().await.unwrap();
    let shown = format!(
        "{shown} {store:?} {:?}",
        Entry::new(Version::random(), "hunter4")
    );
    assert!(!shown.contains("hunter"), "{shown}");
}
