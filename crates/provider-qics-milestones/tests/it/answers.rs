use std::time::Duration;

use tokenkeeper_protocol::{Class, ErrorCode, GrantType, Refusal, TokenSet, conformance::sent_at};

use super::*;

/// Verbatim from the vendor's document.
const PRINTED: &str = r#"{
    access_token: "90f4068dfb914dd5aa9d46b1d08b3ef1",
    token_type: "bearer",
    expires_in: 3600,
    refresh_token: "792c136bce02493fa6b28788ae3de7a2"
}"#;

fn answer(kind: GrantType, status: u16, body: &str) -> Result<TokenSet, Refusal> {
    Subject::new(qics()).read_token_response(kind, status, body)
}

fn refusal(status: u16, body: &str) -> Refusal {
    answer(GrantType::RefreshToken, status, body).unwrap_err()
}

#[test]
fn q6_the_printed_response_is_read_like_strict_json() {
    let strict = r#"{"access_token":"90f4068dfb914dd5aa9d46b1d08b3ef1","token_type":"bearer",
        "expires_in":3600,"refresh_token":"792c136bce02493fa6b28788ae3de7a2"}"#;
    let set = answer(GrantType::AuthorizationCode, 200, PRINTED).unwrap();
    let refresh_token = set.refresh_token.as_ref().unwrap();
    assert_eq!(
        set.access_token.expose(),
        "90f4068dfb914dd5aa9d46b1d08b3ef1"
    );
    assert_eq!(refresh_token.expose(), "792c136bce02493fa6b28788ae3de7a2");
    assert_eq!(set.token_type.as_deref(), Some("bearer"));
    assert_eq!(set.expires_at, Some(sent_at() + Duration::from_secs(3600)));
    assert!(set.extra.is_empty());
    assert_eq!(
        answer(GrantType::AuthorizationCode, 200, strict).unwrap(),
        set
    );
}

#[test]
fn q5_a_used_code_is_terminal() {
    let refused = answer(
        GrantType::AuthorizationCode,
        400,
        r#"{"error":"invalid_grant"}"#,
    )
    .unwrap_err();
    assert_eq!(refused.class, Class::Terminal);
}

#[test]
fn q8_an_unquoted_error_body_keeps_its_string_whole() {
    let body = r#"{error: "invalid_grant", error_description: "no, code: x"}"#;
    let refused = refusal(400, body);
    assert_eq!(refused.class, Class::Terminal);
    assert_eq!(refused.code, Some(ErrorCode::new("invalid_grant")));
    // If the string were cut at its comma, `error` would be read as a key.
    let body = r#"{error_description: "x, error: invalid_grant"}"#;
    assert_eq!(refusal(400, body).code, None);
    let body = r#"{access_token: "a", note: "no, code: x"}"#;
    let kept = answer(GrantType::AuthorizationCode, 200, body).unwrap();
    assert_eq!(kept.extra["note"], "no, code: x");
}

#[test]
fn q9_malformed_answers_are_ambiguous_and_not_shown() {
    let truncated = &PRINTED[..PRINTED.len() - 1];
    let doubled = PRINTED.replace("token_type: \"bearer\"", "access_token: \"x\"");
    let nested = PRINTED.replace("\"bearer\"", "{a: 1}");
    for body in [truncated, &doubled, &nested] {
        let refused = refusal(200, body);
        assert_eq!(refused.class, Class::Ambiguous, "{body}");
        let printed = format!("{refused} {refused:?}");
        assert!(
            !printed.contains("90f4") && !printed.contains("792c"),
            "{printed}"
        );
    }
}

#[test]
fn q16_a_wrong_secret_is_a_configuration_error() {
    for status in [400, 401] {
        let refused = refusal(status, r#"{"error":"invalid_client"}"#);
        assert_eq!(refused.class, Class::Configuration);
    }
}

#[test]
fn q18_html_and_redirects_are_no_verdict_about_the_token() {
    assert_eq!(refusal(500, "<html>error</html>").class, Class::Ambiguous);
    assert_eq!(refusal(400, "<html>error</html>").class, Class::Unexplained);
    assert_eq!(refusal(302, "").class, Class::Unexplained);
}
