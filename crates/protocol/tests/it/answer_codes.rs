//! Which error code counts, what it means without a rule, and rules that cannot work.

use tokenkeeper_protocol::{Class, Dialect, GrantType, Provider, Refusal};

use crate::support::*;

const TRANSIENT: Class = Class::Transient { retry_after: None };

/// Reads a dialect with these further lines.
fn read(lines: &str) -> Result<Dialect, tokenkeeper_protocol::Error> {
    Dialect::from_toml(&format!(
        "brand = \"a\"\nbase = \"https://login.example\"\nauthorization.endpoint = \"/a\"\n\
         token.endpoint = \"/t\"\n{lines}"
    ))
}

fn refusal(lines: &str, status: u16, body: &str) -> Refusal {
    let client = read(lines).unwrap().with(registration()).unwrap();
    let response = response(status, &[], body.to_owned());
    let read = client.read_token_response(GrantType::RefreshToken, &response, sent_at());
    read.unwrap_err()
}

#[test]
fn a_reason_phrase_does_not_hide_the_code() {
    for body in [
        r#"{"error":"Bad Request","code":"invalid_grant"}"#,
        r#"{"error":"400","code":"invalid_grant"}"#,
        r#"{"error":400,"code":"invalid_grant"}"#,
        r#"{"error":true,"code":"invalid_grant"}"#,
        r#"{"error":{"code":"invalid_grant"},"code":400}"#,
        r#"{"error":"invalid_grant","code":"invalid_client"}"#,
    ] {
        for status in [200, 400] {
            let refusal = refusal("", status, body);
            assert_eq!(refusal.class, Class::Terminal, "{status} {body}");
            assert_eq!(refusal.code.unwrap().as_str(), Some("invalid_grant"));
        }
    }
    let rule = "errors.map = [{ error = \"REVOKED\", class = \"terminal\" }]";
    for body in [
        r#"{"error":"Bad Request","code":"REVOKED"}"#,
        r#"{"error":"invalid_request","code":"REVOKED"}"#,
        r#"{"error":"REVOKED","code":"invalid_request"}"#,
    ] {
        let refusal = refusal(rule, 400, body);
        assert_eq!(refusal.class, Class::Terminal, "{body}");
        assert_eq!(refusal.code.unwrap().as_str(), Some("REVOKED"));
    }
    // Only the paths of the dialect count.
    let own = "errors.code = [\"error\"]";
    let unread = r#"{"error":"Bad Request","code":"invalid_grant"}"#;
    assert_eq!(refusal(own, 400, unread).class, Class::Unexplained);
}

#[test]
fn registered_codes_have_a_class_without_a_rule() {
    for (code, class) in [
        ("temporarily_unavailable", TRANSIENT),
        ("slow_down", TRANSIENT),
        ("server_error", Class::Ambiguous),
        ("invalid_grant", Class::Terminal),
        ("invalid_client", Class::Configuration),
        ("unauthorized_client", Class::Configuration),
        ("unsupported_grant_type", Class::Configuration),
        ("invalid_request", Class::Unexplained),
        ("invalid_scope", Class::Unexplained),
    ] {
        let body = format!(r#"{{"error":"{code}"}}"#);
        for status in [200, 400, 401, 403] {
            assert_eq!(refusal("", status, &body).class, class, "{status} {code}");
        }
        let busy = match code {
            "temporarily_unavailable" => TRANSIENT,
            _ => Class::Ambiguous,
        };
        assert_eq!(refusal("", 503, &body).class, busy, "503 {code}");
        assert_eq!(
            refusal("", 500, &body).class,
            Class::Ambiguous,
            "500 {code}"
        );
    }
    let rule = "errors.map = [{ error = \"server_error\", class = \"terminal\" }]";
    let body = r#"{"error":"server_error"}"#;
    assert_eq!(refusal(rule, 400, body).class, Class::Terminal);
}

#[test]
fn a_rule_that_cannot_work_is_refused() {
    for (lines, field) in [
        (
            r#"errors.map = [{ error = "", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ error = " ", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ text = "", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ status = 400, text = " ", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ status = 0, error = "e", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ status = 99, error = "e", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ status = 600, error = "e", class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ status = 429, class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ status = 503, without_code = true, class = "terminal" }]"#,
            "errors.map[0]",
        ),
        (
            r#"errors.map = [{ error = "e", class = "terminal" },
                             { error = "e", class = "transient" }]"#,
            "errors.map[1]",
        ),
        (
            r#"errors.map = [{ error = "e", class = "terminal" },
                             { error = "e", status = 400, class = "transient" }]"#,
            "errors.map[1]",
        ),
        (
            r#"errors.map = [{ text = "Gone", class = "terminal" },
                             { text = "it is GONE", error = "e", class = "transient" }]"#,
            "errors.map[1]",
        ),
        ("errors.code = []", "errors.code"),
        (
            "errors.text = []\nerrors.map = [{ text = \"gone\", class = \"terminal\" }]",
            "errors.text",
        ),
    ] {
        let error = read(lines).expect_err(lines).to_string();
        assert!(error.contains(field), "{lines}: {error}");
    }
    for lines in [
        r#"errors.map = [{ status = 429, error = "gone", class = "terminal" }]"#,
        r#"errors.map = [{ status = 503, class = "unexplained" }]"#,
        r#"errors.map = [{ error = "e", status = 400, class = "terminal" },
                         { error = "e", class = "transient" }]"#,
        r#"errors.map = [{ error = "e", grant_type = "refresh_token", class = "terminal" },
                         { error = "e", class = "transient" }]"#,
        r#"errors.map = [{ error = "e", class = "terminal" },
                         { error = "e", at = "detail", class = "transient" }]"#,
        r#"errors.map = [{ error = "e", text = "gone", class = "terminal" },
                         { error = "e", text = "busy", class = "transient" }]"#,
        "errors.text = []",
    ] {
        assert!(read(lines).is_ok(), "{lines}");
    }
}
