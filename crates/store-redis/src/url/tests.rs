use super::{Kind, Target};
use crate::RedisError;

fn parse(url: &str) -> Target {
    Target::parse(url).unwrap()
}

/// The part that the error names.
fn part(url: &str) -> &'static str {
    match Target::parse(url) {
        Err(RedisError::BadUrl { part, .. }) => part,
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn each_kind_of_server_is_read() {
    let plain = parse("redis://localhost");
    assert_eq!(plain.kind, Kind::Standalone);
    assert_eq!(plain.nodes, [("localhost".to_owned(), 6379)]);
    assert!(!plain.tls);

    let full =
        parse("rediss://us%40er:p%3A%2F%40ss@redis.example:7000/3?prefix=app%3A&min_replicas=1");
    assert!(full.tls);
    assert_eq!(full.user.as_deref(), Some("us@er"));
    assert_eq!(full.password.as_deref(), Some("p:/@ss"));
    assert_eq!((full.database, full.min_replicas), (3, Some(1)));
    assert_eq!(full.prefix.as_deref(), Some("app:"));

    let cluster = parse("redis+cluster://a:1,b:2,[::1]:3");
    assert_eq!(cluster.kind, Kind::Cluster);
    assert_eq!(cluster.nodes[2], ("::1".to_owned(), 3));

    let sentinel = parse("redis+sentinel://:secret@a,b:7/mymaster/2");
    assert_eq!(sentinel.kind, Kind::Sentinel("mymaster".to_owned()));
    assert_eq!(
        sentinel.nodes,
        [("a".to_owned(), 26379), ("b".to_owned(), 7)]
    );
    assert_eq!((sentinel.user, sentinel.database), (None, 2));
}

#[test]
fn an_error_names_the_part() {
    for (url, wrong) in [
        ("", "scheme"),
        ("localhost:6379", "scheme"),
        ("http://localhost", "scheme"),
        ("redis://", "host"),
        ("redis://:6379", "host"),
        ("redis://a b", "host"),
        ("redis://[::1", "host"),
        ("redis://[x]", "host"),
        ("redis://a,b", "host"),
        ("redis+cluster://a,", "host"),
        ("redis://a:", "port"),
        ("redis://a:0", "port"),
        ("redis://a:65536", "port"),
        ("redis://a:x", "port"),
        ("redis://[::1]6379", "port"),
        ("redis://user@a", "password"),
        ("redis://user:%ff@a", "password"),
        ("redis://%ff:p@a", "user"),
        ("redis://a/x", "database"),
        ("redis://a/-1", "database"),
        ("redis://a/1/2", "database"),
        ("redis+cluster://a/1", "database"),
        ("redis+sentinel://a", "sentinel master"),
        ("redis+sentinel://a/m/x", "database"),
        ("redis://a?min_replicas=many", "min_replicas"),
        ("redis://a?prefix=%ff", "prefix"),
        ("redis://a?timeout=1", "query"),
        ("redis://a#x", "fragment"),
    ] {
        assert_eq!(part(url), wrong, "{url}");
    }
}

#[test]
fn no_error_and_no_debug_shows_the_password() {
    for url in [
        "redis://user:hunter2@a:x",
        "redis://user:hunter2@a/x",
        "redis://user:hunter2@a?hunter2=1",
        "hunter2://user:hunter2@a",
    ] {
        let error = Target::parse(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let target = parse("redis://user:hunter2@a:7/1");
    assert_eq!(format!("{target:?}"), "redis://a:7");
}
