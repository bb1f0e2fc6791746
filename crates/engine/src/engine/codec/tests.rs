//! The text of records, of this version and of earlier ones.

use std::time::UNIX_EPOCH;

use serde_json::json;
use tokenkeeper_protocol::{LoginData, TokenSet};
use tokenkeeper_refresh::{Attempt, Authorization, Flow, Health, Id, Live, Login};

use super::*;
use crate::engine::payload::Terms;

/// Rare fields are boxed in memory, but not nested in the text.
#[test]
fn a_record_is_flat_json() {
    let terms = Terms {
        redirect_uri: "https://app.example/callback".to_owned(),
        scope: None,
    };
    let tokens = TokenSet::new("at-1");
    let payload = Payload::first(tokens, Vec::new(), terms);
    let shown = serde_json::to_string(&payload).unwrap();
    let id = Id([1; 16]);
    let authorization = Authorization { number: 7, id };
    let attempt = Attempt {
        id,
        holder: id,
        lease: 60,
        digest: 9,
    };
    let (id, mut record) = (id.to_string(), Record::empty());
    let mut live = Live::first(authorization, payload.clone());
    let login = format!(r#"{{"number":7,"id":"{id}"}}"#);
    let about = format!(
        r#""authorization":{login},"generation":1,"born_of":0,"presented":0,"tokens":{shown}"#
    );
    record.state = State::Live(live.clone());
    let rest = r#""unanswered":false,"health":"alive""#;
    let text = format!(r#"{{"format":2,"record":{{"state":{{"live":{{{about},{rest}}}}}}}}}"#);
    reads_as(&record, &text);

    live.unanswered = true;
    live.attempt = Some(Box::new(attempt));
    live.health = Health::Misconfigured(Vec::new());
    live.failures.count = 3;
    record.state = State::Live(live);
    record.login = Some(Login {
        authorization,
        attempt,
        ends: 8,
        device: false,
    });
    record.used_flows.push(Flow {
        id: Id([1; 16]),
        ends: 6,
    });
    record.revoke.push(payload);
    record.revocation.pause = 5;
    let sent = format!(r#"{{"id":"{id}","holder":"{id}","lease":60,"digest":9}}"#);
    let failures = |count: u32, pause: u64| {
        format!(r#"{{"count":{count},"pause":{pause},"refused_since":null,"refused_for":0}}"#)
    };
    let condition = format!(
        r#""unanswered":true,"attempt":{sent},"health":{{"misconfigured":[]}},"failures":{}"#,
        failures(3, 0)
    );
    let pending = format!(
        r#""login":{{"authorization":{login},"attempt":{sent},"ends":8}},"revoke":[{shown}]"#
    );
    let used = format!(r#""used_flows":[{{"id":"{id}","ends":6}}]"#);
    let pending = format!(r#"{pending},"revocation":{},{used}"#, failures(0, 5));
    let text = format!(
        r#"{{"format":2,"record":{{"state":{{"live":{{{about},{condition}}}}},{pending}}}}}"#
    );
    reads_as(&record, &text);
}

/// Returns the text of a connected account's record with these tokens.
fn live_with(tokens: &str) -> String {
    let id = Id([1; 16]);
    format!(
        r#"{{"format":2,"record":{{"state":{{"live":{{"authorization":{{"number":7,"id":"{id}"}},"#
    ) + r#""generation":1,"born_of":0,"presented":0,"tokens":"#
        + tokens
        + r#","unanswered":false,"health":"alive"}}}}"#
}

fn login_data_of(record: &Record<Payload>) -> &LoginData {
    record.live().unwrap().payload.login_data()
}

/// Versions without login data wrote this text, and read it.
#[test]
fn a_record_without_login_data_is_read_and_written() {
    let text = live_with(concat!(
        r#"{"tokens":{"access_token":"at-1","refresh_token":"rt-1","token_type":"Bearer","#,
        r#""issued_at":1800000000000,"expires_at":1800003600000,"refresh_at":1800001800000,"#,
        r#""scope":"read","extra":{"instance_url":"https://acme.example"}},"#,
        r#""terms":{"redirect_uri":"https://app.example/callback","scope":"read"}}"#
    ));
    let record = decode(text.as_bytes(), &Shared::default()).unwrap();
    let url = login_data_of(&record).get("instance_url");
    assert_eq!(url, Some(&json!("https://acme.example")));
    assert_eq!(String::from_utf8(encode(&record)).unwrap(), text);
}

#[test]
fn login_data_extends_the_text_of_a_payload() {
    let huge = json!("x".repeat(LoginData::MAX_BYTES));
    let mut tokens = TokenSet::new("at-1");
    tokens.issued_at = UNIX_EPOCH;
    tokens.extra = [("team", json!("T1")), ("photo", huge.clone())]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
    let redirect = vec![("realmId".to_owned(), "46".to_owned())];
    let terms = Terms {
        redirect_uri: "https://app.example/callback".to_owned(),
        scope: None,
    };
    let payload = Payload::first(tokens, redirect, terms);
    let text = live_with(concat!(
        r#"{"tokens":{"access_token":"at-1","issued_at":0,"extra":{"team":"T1"}},"#,
        r#""terms":{"redirect_uri":"https://app.example/callback"},"#,
        r#""redirect":[["realmId","46"]],"dropped":["photo"]}"#
    ));
    let authorization = Authorization {
        number: 7,
        id: Id([1; 16]),
    };
    let live = Live::first(authorization, payload);
    let mut record = Record::empty();
    record.state = State::Live(live);
    reads_as(&record, &text);

    // A later value without room is named too, and the earlier one stays.
    let State::Live(live) = &mut record.state else {
        unreachable!();
    };
    let mut tokens = TokenSet::new("at-2");
    tokens.extra.insert("team".to_owned(), huge);
    live.payload = live.payload.clone().refreshed(tokens, true);
    let read = decode(&encode(&record), &Shared::default()).unwrap();
    assert_eq!(read, record);
    assert_eq!(login_data_of(&read).dropped(), ["photo", "team"]);
    assert_eq!(login_data_of(&read).get("team"), Some(&json!("T1")));
}

/// A million accounts without login data share one common part.
#[test]
fn only_login_data_costs_a_common_part() {
    let shared = Shared::default();
    let payload = |member: Option<&str>| {
        let mut tokens = TokenSet::new("at-1");
        let members = member.map(|value| ("team".to_owned(), json!(value)));
        tokens.extra.extend(members);
        let terms = Terms {
            redirect_uri: "https://app.example/callback".to_owned(),
            scope: None,
        };
        Payload::first(tokens, Vec::new(), terms).shared(&shared)
    };
    let (first, _, second) = (payload(None), payload(Some("T1")), payload(None));
    assert!(first.shares_with(&second));
    assert!(!payload(Some("T1")).shares_with(&payload(Some("T1"))));
}

fn reads_as(record: &Record<Payload>, text: &str) {
    assert_eq!(String::from_utf8(encode(record)).unwrap(), text);
    let read = decode(text.as_bytes(), &Shared::default()).unwrap();
    assert_eq!(read, *record);
}
