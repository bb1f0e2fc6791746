use std::time::{Duration, SystemTime};

use tokenkeeper_protocol::{Class, GrantType, Verdict, conformance::sent_at, http::Response};

use super::*;

fn class(kind: GrantType, status: u16, body: &str) -> Class {
    let read = Subject::new(amiqus()).read_token_response(kind, status, body);
    read.unwrap_err().class
}

#[test]
fn a_year_is_read_without_overflow() {
    let body = r#"{"token_type":"Bearer","expires_in":31536000,
        "access_token":"eyJ0.e.x","refresh_token":"def502"}"#;
    let read = Subject::new(amiqus()).read_token_response(GrantType::AuthorizationCode, 200, body);
    let set = read.unwrap();
    let year = Duration::from_secs(31_536_000);
    assert_eq!(set.expires_at, Some(sent_at() + year));
    assert_eq!(set.token_type.as_deref(), Some("Bearer"));
}

#[test]
fn a12_a_reused_refresh_token_is_terminal() {
    let generation_8 = r#"{"error":"invalid_request",
        "error_description":"The refresh token is invalid.",
        "hint":"Token has been revoked","message":"The refresh token is invalid."}"#;
    let generation_9 = r#"{"error":"invalid_grant",
        "error_description":"The refresh token is invalid.","hint":"Token has been revoked"}"#;
    let only_message = r#"{"error":"invalid_request","message":"The refresh token is invalid."}"#;
    for (status, body) in [
        (401, generation_8),
        (400, generation_9),
        (401, only_message),
    ] {
        assert_eq!(
            class(GrantType::RefreshToken, status, body),
            Class::Terminal,
            "{body}"
        );
    }
}

#[test]
fn another_invalid_request_at_a_refresh_is_unexplained() {
    let missing = r#"{"error":"invalid_request",
        "error_description":"The request is missing a required parameter",
        "hint":"Check the `refresh_token` parameter"}"#;
    assert_eq!(
        class(GrantType::RefreshToken, 400, missing),
        Class::Unexplained
    );
}

#[test]
fn a7_a_used_or_expired_code_is_terminal() {
    for what in ["revoked", "expired"] {
        let hint = format!("Authorization code has been {what}");
        let generation_8 = format!(
            r#"{{"error":"invalid_request","hint":"{hint}",
            "error_description":"The request is missing a required parameter"}}"#
        );
        let generation_9 = format!(r#"{{"error":"invalid_grant","hint":"{hint}"}}"#);
        for body in [generation_8, generation_9] {
            assert_eq!(
                class(GrantType::AuthorizationCode, 400, &body),
                Class::Terminal,
                "{body}"
            );
        }
    }
}

#[test]
fn a13_a_wrong_secret_is_a_configuration_error() {
    use GrantType::{AuthorizationCode, RefreshToken};
    for (kind, status, body) in [
        (
            RefreshToken,
            401,
            r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
        ),
        (RefreshToken, 400, r#"{"error":"unsupported_grant_type"}"#),
        (
            AuthorizationCode,
            400,
            r#"{"error":"invalid_request","error_description":"Invalid redirect URI"}"#,
        ),
    ] {
        assert_eq!(class(kind, status, body), Class::Configuration, "{body}");
    }
}

#[test]
fn a16_a_rate_limit_is_a_pause_and_no_rejection() {
    let provider = amiqus();
    let limited = Response::builder()
        .status(429)
        .header("retry-after", "47")
        .header("x-ratelimit-limit", "200")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "1700000047")
        .body(())
        .unwrap();
    let verdict = provider.read_resource_response(limited.status(), limited.headers());
    let retry_after = Some(Duration::from_secs(47));
    assert_eq!(verdict, Verdict::RateLimited { retry_after });
    let limit = provider.client().rate_limit(limited.headers());
    assert_eq!((limit.limit, limit.remaining), (Some(200), Some(0)));
    let reset = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_047);
    assert_eq!(limit.reset, Some(reset));
}
