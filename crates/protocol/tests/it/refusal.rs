//! The classes of refusals, by default and by a dialect's map.

use std::time::Duration;

use tokenkeeper_protocol::{
    Class, ClassName, Client, ErrorCode, ErrorRule, GrantType, MAX_TOKEN_RESPONSE, Provider,
    Refusal,
};

use crate::support::*;

fn refusal(client: &Client, status: u16, headers: &[(&str, &str)], body: &str) -> Refusal {
    let response = response(status, headers, body.to_owned());
    client
        .read_token_response(GrantType::RefreshToken, &response, sent_at())
        .unwrap_err()
}

fn class(status: u16, headers: &[(&str, &str)], body: &str) -> Class {
    refusal(&client(), status, headers, body).class
}

fn error(code: &str) -> String {
    format!(r#"{{"error":"{code}"}}"#)
}

#[test]
fn refusals_have_their_default_class() {
    let transient = |seconds: Option<u64>| Class::Transient {
        retry_after: seconds.map(Duration::from_secs),
    };
    let wait = [("retry-after", "47")];
    assert_eq!(class(429, &[], ""), transient(None));
    assert_eq!(
        class(429, &wait, &error("invalid_grant")),
        transient(Some(47))
    );
    assert_eq!(class(503, &wait, ""), transient(Some(47)));
    assert_eq!(class(503, &[("retry-after", "soon")], ""), transient(None));
    assert_eq!(class(503, &[], ""), Class::Ambiguous);
    assert_eq!(class(500, &wait, ""), Class::Ambiguous);
    assert_eq!(class(500, &[], &error("invalid_grant")), Class::Ambiguous);
    assert_eq!(class(502, &[], "<html>"), Class::Ambiguous);
    assert_eq!(class(408, &[], ""), Class::Ambiguous);
    assert_eq!(class(200, &[], &error("invalid_grant")), Class::Terminal);
    assert_eq!(class(400, &[], &error("invalid_grant")), Class::Terminal);
    assert_eq!(class(403, &[], &error("invalid_grant")), Class::Terminal);
    for code in [
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
    ] {
        assert_eq!(
            class(400, &[], &error(code)),
            Class::Configuration,
            "{code}"
        );
    }
    for code in ["invalid_request", "invalid_scope", "something_else"] {
        assert_eq!(class(400, &[], &error(code)), Class::Unexplained, "{code}");
    }
    assert_eq!(class(400, &[], ""), Class::Unexplained);
    assert_eq!(class(401, &[], "<html>"), Class::Unexplained);
    assert_eq!(
        class(302, &[("location", "/login")], ""),
        Class::Unexplained
    );
}

#[test]
fn an_unread_response_or_a_5xx_may_have_redeemed() {
    let wait = [("retry-after", "47")];
    let redeemed = |status, headers: &[_], body: &str| {
        refusal(&client(), status, headers, body).may_have_redeemed()
    };
    assert!(redeemed(503, &wait, ""), "transient");
    assert!(redeemed(503, &[], ""));
    assert!(redeemed(500, &[], "") && redeemed(408, &[], ""));
    assert!(redeemed(200, &[], "<html>"));
    assert!(!redeemed(429, &[], "") && !redeemed(429, &wait, ""));
    for code in ["invalid_grant", "invalid_client", "something_else"] {
        assert!(!redeemed(400, &[], &error(code)), "{code}");
    }
    assert!(!redeemed(302, &[], ""));

    // By the dialect's map, and without a response.
    let mapped = with(|d| {
        let mut busy = ErrorRule::new("busy", ClassName::Transient);
        busy.status = Some(502);
        let mut slow = ErrorRule::new("slow", ClassName::Transient);
        slow.status = Some(400);
        d.errors.map = vec![busy, slow];
    });
    assert!(refusal(&mapped, 502, &[], &error("busy")).may_have_redeemed());
    assert!(!refusal(&mapped, 400, &[], &error("slow")).may_have_redeemed());
    let transient = Class::Transient { retry_after: None };
    assert!(!Refusal::new(transient).may_have_redeemed());
    assert!(Refusal::new(Class::Ambiguous).may_have_redeemed());
}

#[test]
fn q16_a13_a_wrong_secret_is_a_configuration_error() {
    let refusal = refusal(&client(), 401, &[], &error("invalid_client"));
    assert_eq!(refusal.class, Class::Configuration);
    assert_eq!(refusal.code, Some(ErrorCode::new("invalid_client")));
}

#[test]
fn q18_html_500_is_ambiguous_and_a_redirect_is_unexplained() {
    assert_eq!(
        class(500, &[("content-type", "text/html")], "<html>oops</html>"),
        Class::Ambiguous
    );
    assert_eq!(
        class(302, &[("location", "https://evil.test/")], "<html>"),
        Class::Unexplained
    );
}

#[test]
fn an_http_date_counts_from_the_servers_own_clock() {
    let at = |headers: &[(&str, &str)]| match class(429, headers, "") {
        Class::Transient { retry_after } => retry_after.map(|wait| wait.as_secs()),
        other => panic!("{other:?}"),
    };
    let then = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
    assert_eq!(
        at(&[then, ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]),
        Some(60)
    );
    assert_eq!(
        at(&[then]),
        Some(0),
        "long past, by the time at which the request was sent"
    );
    assert_eq!(at(&[("retry-after", "-1")]), None);
}

#[test]
fn the_first_matching_rule_overrides_the_defaults() {
    let client = with(|d| {
        let mut revoked = ErrorRule::new("invalid_request", ClassName::Terminal);
        revoked.status = Some(401);
        revoked.text = Some("The Refresh Token is invalid".to_owned());
        revoked.grant_type = Some(GrantType::RefreshToken);
        let anything = ErrorRule::new("invalid_request", ClassName::Configuration);
        d.errors.map = vec![revoked, anything];
    });
    let body = r#"{"error":"invalid_request","error_description":"the refresh token is invalid."}"#;
    assert_eq!(refusal(&client, 401, &[], body).class, Class::Terminal);
    assert_eq!(refusal(&client, 400, &[], body).class, Class::Configuration);
    assert_eq!(
        refusal(&client, 401, &[], &error("invalid_request")).class,
        Class::Configuration
    );
    let at_code = client.read_token_response(
        GrantType::AuthorizationCode,
        &response(401, &[], body),
        sent_at(),
    );
    assert_eq!(at_code.unwrap_err().class, Class::Configuration);
}

#[test]
fn an_oversized_refusal_is_classified_by_its_status() {
    let body = format!(
        r#"{{"error":"invalid_grant","x":"{}"}}"#,
        "x".repeat(MAX_TOKEN_RESPONSE)
    );
    assert_eq!(class(400, &[], &body), Class::Unexplained);
}
