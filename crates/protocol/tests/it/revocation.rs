//! Responses to a revocation.

use std::time::Duration;

use serde_json::json;
use tokenkeeper_protocol::{
    ClassName, Client, ErrorCode, ErrorRule, GrantType, MAX_TOKEN_RESPONSE, Provider,
    RevocationOutcome, RevokedResponse, http::StatusCode,
};

use crate::support::*;

fn outcome(client: &Client, status: u16, body: &str) -> RevocationOutcome {
    client.read_revocation_response(&response(status, &[], body.to_owned()))
}

fn refused(status: u16, code: Option<&str>) -> RevocationOutcome {
    RevocationOutcome::Refused {
        status: StatusCode::from_u16(status).unwrap(),
        code: code.map(ErrorCode::new),
    }
}

fn error(code: &str) -> String {
    format!(r#"{{"error":"{code}"}}"#)
}

/// Makes a client whose dialect has these `done_when` rules.
fn done_when(rules: serde_json::Value) -> Client {
    with(|dialect| {
        let revocation = dialect.revocation.as_mut().unwrap();
        revocation.done_when = serde_json::from_value(rules).unwrap();
    })
}

#[test]
fn any_2xx_is_done() {
    for (status, body) in [(200, ""), (200, "{}"), (204, ""), (200, "<html>ok</html>")] {
        assert_eq!(
            outcome(&client(), status, body),
            RevocationOutcome::Done,
            "{status}"
        );
    }
}

#[test]
fn a_redirect_or_an_error_is_refused_with_its_code() {
    for (status, body, code) in [
        (401, error("invalid_client"), Some("invalid_client")),
        (
            400,
            error("unsupported_token_type"),
            Some("unsupported_token_type"),
        ),
        (400, error("a secret text"), Some("a secret text")),
        (403, String::new(), None),
        (404, "<html>".to_owned(), None),
        (302, String::new(), None),
        (304, String::new(), None),
    ] {
        assert_eq!(outcome(&client(), status, &body), refused(status, code));
    }
    let long = format!(
        r#"{{"error":"odd","x":"{}"}}"#,
        "x".repeat(MAX_TOKEN_RESPONSE)
    );
    assert_eq!(outcome(&client(), 400, &long), refused(400, None));
}

#[test]
fn a_busy_or_failed_server_decides_nothing() {
    let unavailable = |seconds: Option<u64>| RevocationOutcome::Unavailable {
        retry_after: seconds.map(Duration::from_secs),
    };
    for status in [408, 429, 500, 502, 503, 599] {
        assert_eq!(
            outcome(&client(), status, &error("invalid_token")),
            unavailable(None)
        );
        let wait = response(status, &[("retry-after", "47")], "");
        assert_eq!(
            client().read_revocation_response(&wait),
            unavailable(Some(47))
        );
    }
    let date = [
        ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    let wait = response(503, &date, "");
    assert_eq!(
        client().read_revocation_response(&wait),
        unavailable(Some(60))
    );
}

#[test]
fn responses_that_the_dialect_names_are_done() {
    let client = done_when(json!([
        { "status": 404 },
        { "status": 400, "error": "invalid_token" },
        { "error": "token_revoked" },
    ]));
    for (status, body) in [
        (404, String::new()),
        (400, error("invalid_token")),
        (403, error("token_revoked")),
    ] {
        assert_eq!(outcome(&client, status, &body), RevocationOutcome::Done);
    }
    assert_eq!(
        outcome(&client, 401, &error("invalid_token")),
        refused(401, Some("invalid_token"))
    );
    assert_eq!(
        outcome(&client, 400, &error("invalid_client")),
        refused(400, Some("invalid_client"))
    );
    assert!(matches!(
        outcome(&client, 503, &error("token_revoked")),
        RevocationOutcome::Unavailable { .. }
    ));
}

#[test]
fn an_error_inside_a_200_is_refused() {
    let client = client();
    for body in ["{}", r#"{"error":null,"ok":true}"#, r#"{"error":""}"#] {
        assert_eq!(outcome(&client, 200, body), RevocationOutcome::Done);
    }
    assert_eq!(
        outcome(&client, 200, &error("invalid_auth")),
        refused(200, Some("invalid_auth"))
    );
    let named = client.adjust(|d| {
        let rules = d.revocation.as_mut().unwrap();
        rules.done_when = vec![RevokedResponse::new("token_revoked")];
    });
    assert_eq!(
        outcome(&named.unwrap(), 200, &error("token_revoked")),
        RevocationOutcome::Done
    );
}

#[test]
fn a_text_narrows_what_is_done() {
    let client = done_when(json!([{ "status": 400, "text": "Invalid Token" }]));
    let client = client.adjust(|d| d.errors.text = vec!["message".to_owned()]);
    let client = client.unwrap();
    let message = |text: &str| format!(r#"{{"status":400,"message":"{text}"}}"#);
    assert_eq!(
        outcome(&client, 400, &message("an invalid token")),
        RevocationOutcome::Done
    );
    for (status, body) in [
        (400, message("missing client id")),
        (400, String::new()),
        (401, message("invalid token")),
    ] {
        assert_eq!(outcome(&client, status, &body), refused(status, None));
    }
}

#[test]
fn a_transient_or_ambiguous_error_decides_nothing() {
    let client = done_when(json!([{ "error": "token_revoked" }]));
    let rule = |error, class| ErrorRule::new(error, class);
    let client = client.adjust(|d| {
        let mut at_refresh = rule("at_refresh", ClassName::Transient);
        at_refresh.grant_type = Some(GrantType::RefreshToken);
        d.errors.map = vec![
            rule("ratelimited", ClassName::Transient),
            rule("fatal_error", ClassName::Ambiguous),
            rule("token_revoked", ClassName::Transient),
            rule("dead", ClassName::Terminal),
            at_refresh,
        ];
    });
    let client = client.unwrap();
    for code in ["ratelimited", "fatal_error"] {
        let wait = response(200, &[("retry-after", "47")], error(code));
        assert_eq!(
            client.read_revocation_response(&wait),
            RevocationOutcome::Unavailable {
                retry_after: Some(Duration::from_secs(47))
            }
        );
    }
    assert_eq!(
        outcome(&client, 200, &error("token_revoked")),
        RevocationOutcome::Done
    );
    for code in ["dead", "at_refresh"] {
        assert!(matches!(
            outcome(&client, 400, &error(code)),
            RevocationOutcome::Refused { .. }
        ));
    }
}
