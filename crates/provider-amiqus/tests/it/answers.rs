use std::time::{Duration, SystemTime};

use tokenkeeper_protocol::{
    Class, GrantKind, OldAccess, Pkce, Provider, RefreshLifetime, Refusal, TokenSet, Verdict,
    http::{Response, StatusCode},
};

use super::*;

fn answer(kind: GrantKind, status: u16, body: &str) -> Result<TokenSet, Refusal> {
    let response = Response::builder()
        .status(status)
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    amiqus().read_token_response(kind, &response, SystemTime::UNIX_EPOCH)
}

fn class(kind: GrantKind, status: u16, body: &str) -> Class {
    answer(kind, status, body).unwrap_err().class
}

#[test]
fn a_year_is_read_without_overflow() {
    let body = r#"{"token_type":"Bearer","expires_in":31536000,"access_token":"eyJ0.e.x","refresh_token":"def502"}"#;
    let set = answer(GrantKind::Code, 200, body).unwrap();
    assert_eq!(
        set.expires_at,
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(31_536_000))
    );
    assert_eq!(set.token_type.as_deref(), Some("Bearer"));
}

#[test]
fn a12_a_reused_refresh_token_is_terminal_in_both_generations() {
    let eight = r#"{"error":"invalid_request","error_description":"The refresh token is invalid.",
        "hint":"Token has been revoked","message":"The refresh token is invalid."}"#;
    assert_eq!(class(GrantKind::Refresh, 401, eight), Class::Terminal);
    let nine = r#"{"error":"invalid_grant","error_description":"The refresh token is invalid.","hint":"Token has been revoked"}"#;
    assert_eq!(class(GrantKind::Refresh, 400, nine), Class::Terminal);
    // The same words in `message` or `hint` alone.
    assert_eq!(
        class(
            GrantKind::Refresh,
            401,
            r#"{"error":"invalid_request","message":"The refresh token is invalid."}"#
        ),
        Class::Terminal
    );
}

#[test]
fn another_invalid_request_at_a_refresh_logs_nobody_out_at_once() {
    let missing = r#"{"error":"invalid_request","error_description":"The request is missing a required parameter",
        "hint":"Check the `refresh_token` parameter"}"#;
    assert_eq!(class(GrantKind::Refresh, 400, missing), Class::Unexplained);
}

#[test]
fn a7_a_used_or_expired_code_is_terminal_in_both_generations() {
    for hint in [
        "Authorization code has been revoked",
        "Authorization code has expired",
    ] {
        let eight = format!(
            r#"{{"error":"invalid_request","error_description":"The request is missing a required parameter","hint":"{hint}"}}"#
        );
        assert_eq!(
            class(GrantKind::Code, 400, &eight),
            Class::Terminal,
            "{hint}"
        );
        let nine = format!(r#"{{"error":"invalid_grant","hint":"{hint}"}}"#);
        assert_eq!(
            class(GrantKind::Code, 400, &nine),
            Class::Terminal,
            "{hint}"
        );
    }
}

#[test]
fn a13_a_wrong_secret_is_a_configuration_error() {
    let body = r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#;
    assert_eq!(class(GrantKind::Refresh, 401, body), Class::Configuration);
    let body = r#"{"error":"unsupported_grant_type"}"#;
    assert_eq!(class(GrantKind::Refresh, 400, body), Class::Configuration);
    let body = r#"{"error":"invalid_request","error_description":"Invalid redirect URI"}"#;
    assert_eq!(class(GrantKind::Code, 400, body), Class::Configuration);
}

#[test]
fn a16_too_many_requests_is_a_wait_and_no_rejection() {
    let provider = amiqus();
    let limited = Response::builder()
        .status(429)
        .header("retry-after", "47")
        .header("x-ratelimit-limit", "200")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "1700000047")
        .body(())
        .unwrap();
    let verdict = provider.read_resource(StatusCode::TOO_MANY_REQUESTS, limited.headers());
    assert_eq!(
        verdict,
        Verdict::RateLimited {
            retry_after: Some(Duration::from_secs(47))
        }
    );
    let limit = provider.client().rate_limit(limited.headers());
    assert_eq!((limit.limit, limit.remaining), (Some(200), Some(0)));
    assert_eq!(
        limit.reset,
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_047))
    );
}

#[test]
fn a_403_is_about_the_action_and_not_about_the_token() {
    let read = |status| amiqus().read_resource(status, &Default::default());
    assert_eq!(read(StatusCode::UNAUTHORIZED), Verdict::Rejected);
    assert_eq!(read(StatusCode::FORBIDDEN), Verdict::Accepted);
}

#[test]
fn policies_are_those_of_the_document_and_the_cautious_readings() {
    let provider = amiqus();
    let dialect = provider.client().dialect();
    assert_eq!(provider.brand(), "amiqus");
    assert_eq!(dialect.old_access_token(), OldAccess::Dies);
    assert_eq!(
        dialect.refresh_token_lifetime(),
        RefreshLifetime::AsAccessToken
    );
    assert_eq!(
        (dialect.keep_alive_share(), dialect.grace(), dialect.pkce()),
        (0.5, None, Pkce::Off)
    );
}
