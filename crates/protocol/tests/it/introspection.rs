//! Responses to an introspection.

use std::time::Duration;

use serde_json::json;
use tokenkeeper_protocol::{
    Client, ErrorCode, Expiry, Introspection, IntrospectionError, Provider, http::StatusCode,
};

use crate::support::*;

fn read(
    client: &Client,
    status: u16,
    body: &serde_json::Value,
) -> Result<Introspection, IntrospectionError> {
    let response = response(status, &[], body.to_string());
    client.read_introspection_response(&response, sent_at())
}

fn active(client: &Client, body: &serde_json::Value) -> Introspection {
    let read = read(client, 200, body).unwrap();
    assert!(read.active, "{body}");
    read
}

#[test]
fn an_active_token_is_described() {
    let exp = 1_700_003_600;
    let body = json!({
        "active": true, "scope": "read write", "exp": exp, "client_id": "c", "username": "jane",
        "sub": "u-1", "aud": ["api"], "iat": 1,
    });
    let read = active(&client(), &body);
    assert_eq!(read.scope.as_deref(), Some("read write"));
    assert_eq!(read.expires_at, Some(sent_at() + Duration::from_secs(3600)));
    assert_eq!(read.client_id.as_deref(), Some("c"));
    assert_eq!(read.username.as_deref(), Some("jane"));
    assert_eq!(read.subject.as_deref(), Some("u-1"));
    assert_eq!(read.extra["aud"], json!(["api"]));
    assert!(!format!("{read:?}").contains("jane") && !format!("{read:?}").contains("u-1"));
}

#[test]
fn nothing_else_is_known_of_an_inactive_token() {
    for body in [
        json!({"active": false}),
        json!({"active": "false", "scope": "read", "exp": 1_700_003_600}),
    ] {
        assert_eq!(read(&client(), 200, &body), Ok(Introspection::default()));
    }
}

#[test]
fn a_tokeninfo_response_describes_a_valid_token() {
    let google = json!({"azp": "a", "aud": "b", "scope": "email", "exp": "1700003599"});
    let read = active(&client(), &google);
    assert_eq!(read.expires_at, Some(sent_at() + Duration::from_secs(3599)));
    let milliseconds = with(|dialect| dialect.response.expiry = Expiry::Milliseconds);
    let read = active(
        &milliseconds,
        &json!({"client_id": "c", "expires_in": 1000}),
    );
    assert_eq!(read.expires_at, Some(sent_at() + Duration::from_secs(1)));
    let commas = with(|dialect| dialect.authorization.scope_separator = ",".to_owned());
    let linkedin = json!({"active": true, "expires_at": 1_700_000_060, "scope": "a,b"});
    let read = active(&commas, &linkedin);
    assert_eq!(read.scope.as_deref(), Some("a b"));
    assert_eq!(read.expires_at, Some(sent_at() + Duration::from_secs(60)));
}

#[test]
fn an_invalid_token_is_not_active() {
    for status in [400, 401, 403, 200] {
        let body = json!({"error": "invalid_token", "error_description": "expired"});
        let read = read(&client(), status, &body);
        assert_eq!(read, Ok(Introspection::default()), "{status}");
    }
}

#[test]
fn another_refusal_says_nothing_about_the_token() {
    for (status, body, code) in [
        (
            401,
            json!({"error": "invalid_client"}),
            Some("invalid_client"),
        ),
        (403, json!({}), None),
        (404, json!("not found"), None),
        (
            200,
            json!({"error": "invalid_request"}),
            Some("invalid_request"),
        ),
    ] {
        let refused = IntrospectionError::Refused {
            status: StatusCode::from_u16(status).unwrap(),
            code: code.map(ErrorCode::new),
        };
        assert_eq!(read(&client(), status, &body), Err(refused));
    }
}

#[test]
fn a_2xx_that_describes_no_token_is_unreadable() {
    let status = StatusCode::OK;
    for body in [
        json!({}),
        json!({"active": 1}),
        json!({"page": 1}),
        json!("ok"),
        json!([]),
    ] {
        let unreadable = IntrospectionError::Unreadable { status };
        assert_eq!(read(&client(), 200, &body), Err(unreadable), "{body}");
    }
}

#[test]
fn a_busy_server_is_asked_again() {
    for (status, headers, seconds) in [
        (503, &[("retry-after", "7")][..], Some(7)),
        (429, &[], None),
        (500, &[], None),
    ] {
        let response = response(status, headers, "");
        let retry_after = seconds.map(Duration::from_secs);
        let read = client().read_introspection_response(&response, sent_at());
        assert_eq!(read, Err(IntrospectionError::Unavailable { retry_after }));
    }
}
