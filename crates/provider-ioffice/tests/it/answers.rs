use std::time::Duration;

use tokenkeeper_protocol::{
    Class, ClassName, ErrorCode, ErrorRule, Expiry, GrantType, LoginData, Verdict,
    bytes::Bytes,
    conformance::sent_at,
    http::{HeaderMap, Response, StatusCode},
};

use super::*;

fn expires_after(provider: IOffice, value: &str) -> Duration {
    let body = format!(
        r#"{{"token_type":"x","access_token":"a","expires_in":{value},"refresh_token":"r"}}"#
    );
    let read = Subject::new(provider).read_token_response(GrantType::RefreshToken, 200, &body);
    let expires_at = read.unwrap().expires_at.unwrap();
    expires_at.duration_since(sent_at()).unwrap()
}

#[test]
fn i13_expires_in_is_in_milliseconds_or_by_option_in_seconds() {
    let hour = Duration::from_secs(3600);
    assert_eq!(expires_after(ioffice(), "3600000"), hour);
    let seconds = ioffice().expiry(Expiry::Seconds).unwrap();
    assert_eq!(expires_after(seconds, "3600"), hour);
}

#[test]
fn i14_the_unit_of_a_small_number_is_not_guessed() {
    let small = expires_after(ioffice(), "3600");
    assert_eq!(small, Duration::from_millis(3600));
}

#[test]
fn i18_i19_both_403_and_401_lead_to_one_refresh() {
    let read = |status| ioffice().read_resource_response(status, &HeaderMap::new());
    assert_eq!(read(StatusCode::FORBIDDEN), Verdict::Rejected);
    assert_eq!(read(StatusCode::UNAUTHORIZED), Verdict::Rejected);
    assert_eq!(read(StatusCode::NOT_FOUND), Verdict::Accepted);
    let limited = Verdict::RateLimited { retry_after: None };
    assert_eq!(read(StatusCode::TOO_MANY_REQUESTS), limited);
}

#[test]
fn errors_are_read_in_both_spellings() {
    let with_rule = ioffice().adjust(|dialect| {
        let mut rule = ErrorRule::new("x", ClassName::Terminal);
        (rule.error, rule.text) = (None, Some("expired".to_owned()));
        dialect.errors.map = vec![rule];
    });
    let subject = Subject::new(with_rule.unwrap());
    for field in ["errorDescription", "error_description"] {
        let body = format!(r#"{{"error":"odd","{field}":"it has expired"}}"#);
        let read = subject.read_token_response(GrantType::RefreshToken, 400, &body);
        assert_eq!(read.unwrap_err().class, Class::Terminal, "{field}");
    }
    let body = r#"{"error":"invalid_grant","errorDescription":"…"}"#;
    let read = Subject::new(ioffice()).read_token_response(GrantType::RefreshToken, 400, body);
    let refused = read.unwrap_err();
    assert_eq!(refused.class, Class::Terminal);
    assert_eq!(refused.code, Some(ErrorCode::new("invalid_grant")));
}

#[test]
fn i25_tokens_do_not_follow_a_redirect() {
    let redirect = Response::builder()
        .status(302)
        .header("location", "https://evil.test/")
        .body(Bytes::new())
        .unwrap();
    let read = ioffice().read_token_response(GrantType::AuthorizationCode, &redirect, sent_at());
    assert_eq!(read.unwrap_err().class, Class::Unexplained);
    let elsewhere = "https://evil.test/".parse().unwrap();
    let origins = ioffice().api_origins(&site(), &LoginData::default());
    assert!(!origins.iter().any(|origin| origin.matches(&elsewhere)));
}
