use std::time::{Duration, SystemTime};

use tokenkeeper_protocol::{
    Class, ClassName, ErrorCode, ErrorRule, Expiry, GrantKind, OldAccess, Pkce, Provider, Reach,
    RefreshLifetime, StateEcho, Verdict,
    http::{HeaderMap, Response, StatusCode},
};

use super::*;

fn response(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn expires_after(provider: &IOffice, value: &str) -> Duration {
    let body = format!(
        r#"{{"token_type":"x","access_token":"a","expires_in":{value},"refresh_token":"r"}}"#
    );
    let set = provider
        .read_token_response(
            GrantKind::Refresh,
            &response(200, &body),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap();
    set.expires_at
        .unwrap()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
}

#[test]
fn i13_expires_in_is_in_milliseconds_unless_the_option_says_seconds() {
    assert_eq!(
        expires_after(&ioffice(), "3600000"),
        Duration::from_secs(3600)
    );
    let seconds = ioffice().expiry(Expiry::Seconds).unwrap();
    assert_eq!(expires_after(&seconds, "3600"), Duration::from_secs(3600));
}

#[test]
fn i14_a_number_that_is_too_small_is_not_guessed_at() {
    assert_eq!(
        expires_after(&ioffice(), "3600"),
        Duration::from_millis(3600)
    );
}

#[test]
fn i18_i19_both_403_and_401_lead_to_one_refresh() {
    let read = |status| ioffice().read_resource(status, &HeaderMap::new());
    assert_eq!(read(StatusCode::FORBIDDEN), Verdict::Rejected);
    assert_eq!(read(StatusCode::UNAUTHORIZED), Verdict::Rejected);
    assert_eq!(read(StatusCode::NOT_FOUND), Verdict::Accepted);
    assert_eq!(
        read(StatusCode::TOO_MANY_REQUESTS),
        Verdict::RateLimited { retry_after: None }
    );
}

#[test]
fn errors_are_read_in_both_spellings() {
    for field in ["errorDescription", "error_description"] {
        let provider = ioffice().client().clone().adjust(|dialect| {
            let mut rule = ErrorRule::new("x", ClassName::Terminal);
            (rule.error, rule.text) = (None, Some("expired".to_owned()));
            dialect.errors.map = vec![rule];
        });
        let body = format!(r#"{{"error":"odd","{field}":"it has expired"}}"#);
        let answer = response(400, &body);
        let read = provider.unwrap().read_token_response(
            GrantKind::Refresh,
            &answer,
            SystemTime::UNIX_EPOCH,
        );
        assert_eq!(read.unwrap_err().class, Class::Terminal, "{field}");
    }
    let body = r#"{"error":"invalid_grant","errorDescription":"…"}"#;
    let refused = ioffice()
        .read_token_response(
            GrantKind::Refresh,
            &response(400, body),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap_err();
    assert_eq!(
        (refused.class, refused.code),
        (Class::Terminal, ErrorCode::new("invalid_grant"))
    );
}

#[test]
fn i25_a_redirect_is_no_answer_and_its_target_is_no_place_for_tokens() {
    let answer = Response::builder()
        .status(302)
        .header("location", "https://evil.test/")
        .body(Bytes::new())
        .unwrap();
    let refused = ioffice()
        .read_token_response(GrantKind::Code, &answer, SystemTime::UNIX_EPOCH)
        .unwrap_err();
    assert_eq!(refused.class, Class::Unexplained);
    let site = ioffice().site(Some("acme.example.com")).unwrap();
    let elsewhere = "https://evil.test/".parse().unwrap();
    assert!(
        !ioffice()
            .api_origins(&site)
            .iter()
            .any(|origin| origin.matches(&elsewhere))
    );
}

#[test]
fn what_the_document_leaves_open_is_left_open() {
    let provider = ioffice();
    let dialect = provider.client().dialect();
    assert_eq!(provider.brand(), "ioffice");
    assert_eq!(dialect.old_access_token(), OldAccess::Unknown);
    assert_eq!(dialect.revocation_reaches(), Reach::Unknown);
    assert_eq!(dialect.state_echo(), StateEcho::Unknown);
    assert_eq!(dialect.refresh_token_lifetime(), RefreshLifetime::Unlimited);
    assert_eq!(dialect.pkce(), Pkce::Off);
}
