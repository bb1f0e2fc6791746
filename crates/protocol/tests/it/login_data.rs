//! Login data: merged by refreshes, bounded, and secret.

use serde_json::{Map, Value, json};
use tokenkeeper_protocol::LoginData;

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => panic!("not an object: {value}"),
    }
}

fn text(bytes: usize) -> Value {
    Value::String("x".repeat(bytes))
}

#[test]
fn members_are_found_by_path() {
    let data = LoginData::default()
        .with_member("team", json!({"id": "T1", "hosts": ["a", "b"]}))
        .with_member("team.id", json!("dotted"))
        .with_member("instance_url", json!("https://acme.example"));
    assert_eq!(
        data.get("instance_url"),
        Some(&json!("https://acme.example"))
    );
    assert_eq!(data.get("team.hosts.1"), Some(&json!("b")));
    assert_eq!(data.get("team.id"), Some(&json!("dotted")));
    for absent in [
        "",
        "team.",
        "team.name",
        "team.hosts.2",
        "instance_url.x",
        "x.y",
    ] {
        assert_eq!(data.get(absent), None, "{absent}");
    }
}

#[test]
fn the_first_of_equal_parameters_counts() {
    let parameters = [("realmId", "1"), ("realmId", "2"), ("x", "")];
    let redirect = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let data = LoginData::new(Map::new(), redirect.to_vec());
    assert_eq!(data.parameter("realmId"), Some("1"));
    assert_eq!(data.parameter("x"), Some(""));
    assert_eq!(data.parameters().count(), 3);
}

#[test]
fn a_later_answer_replaces_members_and_removes_none() {
    let first = json!({"id_token": "a", "team": {"id": 1, "name": "Acme"}, "api_domain": "eu"});
    let mut data = LoginData::new(members(first), Vec::new());
    data.merge(members(json!({
        "id_token": "b", "team": {"name": "Acme Ltd", "id": null}, "api_domain": null, "new": [1],
    })));
    let merged = json!({
        "id_token": "b", "team": {"id": 1, "name": "Acme Ltd"}, "api_domain": "eu", "new": [1],
    });
    assert_eq!(*data.answer(), members(merged));
}

#[test]
fn a_null_at_the_login_counts_as_absent() {
    let data = LoginData::new(members(json!({"id_token": null})), Vec::new());
    assert!(data.is_empty());
}

#[test]
fn the_largest_members_are_left_out_and_named() {
    let answer = json!({
        "huge": text(65_536), "large": text(40_000), "other": text(30_000), "instance_url": "u",
    });
    let redirect = vec![
        ("realmId".to_owned(), "7".to_owned()),
        ("junk".to_owned(), "x".repeat(60_000)),
    ];
    let data = LoginData::new(members(answer), redirect);
    let kept: Vec<_> = data.answer().keys().collect();
    assert_eq!(kept, ["instance_url", "other"]);
    assert_eq!(data.parameter("realmId"), Some("7"));
    assert_eq!(data.dropped(), ["large", "huge", "junk"]);
}

#[test]
fn a_refresh_over_the_bound_keeps_what_the_login_brought() {
    let login = json!({"instance_url": "u", "photo": text(30_000)});
    let mut data = LoginData::new(members(login.clone()), Vec::new());
    data.merge(members(
        json!({"photo": text(70_000), "id_token": text(36_000), "t": 1}),
    ));
    assert_eq!(data.get("photo"), Some(&login["photo"]));
    assert_eq!(data.get("t"), Some(&json!(1)));
    assert_eq!(data.dropped(), ["id_token", "photo"]);

    data.merge(members(json!({"photo": "small", "id_token": text(36_000)})));
    assert_eq!(data.get("photo"), Some(&json!("small")));
    assert!(data.get("id_token").is_some() && data.dropped().is_empty());
}

#[test]
fn many_dropped_names_are_bounded_too() {
    let long = (0..100).map(|n| (format!("{n}{}", "é".repeat(40_000)), json!(1)));
    let data = LoginData::new(long.collect(), Vec::new());
    assert_eq!(data.dropped().len(), 32);
    assert!(data.dropped().iter().all(|name| name.chars().count() == 64));
}

#[test]
fn stored_login_data_reads_back() {
    let answer = members(json!({"huge": text(70_000), "team": {"id": "T1"}}));
    let data = LoginData::new(answer, vec![("realmId".to_owned(), "7".to_owned())]);
    let stored = serde_json::to_string(&data).unwrap();
    assert_eq!(
        stored,
        r#"{"answer":{"team":{"id":"T1"}},"redirect":[["realmId","7"]],"dropped":["huge"]}"#
    );
    assert_eq!(serde_json::from_str::<LoginData>(&stored).unwrap(), data);
    assert_eq!(serde_json::to_string(&LoginData::default()).unwrap(), "{}");
}

#[test]
fn debug_shows_names_and_no_value() {
    let data = LoginData::default()
        .with_member("id_token", json!("s3cr3t-1"))
        .with_parameter("realmId", "s3cr3t-2");
    let shown = format!("{data:?}");
    assert!(
        shown.contains("id_token") && shown.contains("realmId"),
        "{shown}"
    );
    assert!(!shown.contains("s3cr3t"), "{shown}");
}
