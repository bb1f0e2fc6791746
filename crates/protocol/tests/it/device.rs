//! Responses to a device authorization and to its polls.

use std::time::Duration;

use serde_json::{Value, json};
use tokenkeeper_protocol::{
    Class, DeviceAuthorization, DeviceAuthorizationError, DeviceAuthorizationProblem as Problem,
    GrantType, Provider, http::StatusCode,
};

use crate::support::*;

fn plain() -> Value {
    json!({
        "device_code": "dc-1",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://login.example/device",
        "verification_uri_complete": "https://login.example/device?user_code=WDJB-MJHT",
        "expires_in": 1800,
        "interval": 7,
    })
}

fn read(body: &Value) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
    let response = response(200, &[], body.to_string());
    client().read_device_authorization_response(&response, sent_at())
}

fn with_member(name: &str, value: Value) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
    let mut body = plain();
    body[name] = value;
    read(&body)
}

fn without(name: &str) -> Value {
    let mut body = plain();
    body.as_object_mut().unwrap().remove(name);
    body
}

#[test]
fn the_response_of_rfc_8628_is_read() {
    let read = read(&plain()).unwrap();
    assert_eq!(read.device_code.expose(), "dc-1");
    assert_eq!(read.user_code, "WDJB-MJHT");
    assert_eq!(
        read.verification_uri.as_str(),
        "https://login.example/device"
    );
    let complete = read.verification_uri_complete.as_ref().unwrap();
    assert_eq!(complete.query(), Some("user_code=WDJB-MJHT"));
    assert_eq!(read.expires_in, Duration::from_secs(1800));
    assert_eq!(read.interval, Duration::from_secs(7));
    let shown = format!("{read:?}");
    assert!(
        !shown.contains("dc-1") && !shown.contains("WDJB"),
        "{shown}"
    );
}

#[test]
fn an_absent_or_senseless_interval_is_five_seconds() {
    for body in [
        without("interval"),
        json!({ "interval": null }),
        json!({ "interval": "soon" }),
        json!({ "interval": -1 }),
    ] {
        let mut whole = without("interval");
        whole
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        assert_eq!(
            read(&whole).unwrap().interval,
            Duration::from_secs(5),
            "{body}"
        );
    }
}

#[test]
fn times_are_bounded_and_may_be_strings() {
    for (name, value, expected) in [
        ("interval", json!(0), 1),
        ("interval", json!("10"), 10),
        ("interval", json!(2.5), 3),
        ("interval", json!(1e300), 3600),
        ("expires_in", json!("900"), 900),
        ("expires_in", json!(1e300), 86_400),
    ] {
        let read = with_member(name, value.clone()).unwrap();
        let found = if name == "interval" {
            read.interval
        } else {
            read.expires_in
        };
        assert_eq!(found, Duration::from_secs(expected), "{name} {value}");
    }
}

#[test]
fn googles_name_of_the_verification_uri_is_read() {
    let mut body = without("verification_uri");
    body["verification_url"] = json!("https://www.google.com/device");
    let uri = read(&body).unwrap().verification_uri;
    assert_eq!(uri.as_str(), "https://www.google.com/device");
}

#[test]
fn what_cannot_be_shown_to_a_person_is_refused() {
    let long = "a".repeat(65);
    for code in [
        "",
        " A",
        "A\u{1b}[2J",
        "A\nB",
        "A\u{202e}B",
        "А-Cyrillic",
        "A\u{7f}",
        &long,
    ] {
        let problem = with_member("user_code", json!(code)).unwrap_err();
        assert_eq!(problem, unusable(Problem::UserCode), "{code:?}");
    }
    for uri in [
        "",
        "login.example/device",
        "http://login.example/device",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://login.example\u{1b}[2J/device",
        "https://login.example/de\nvice",
        "https://good.example@login.example/device",
        &format!("https://login.example/{}", "a".repeat(2048)),
    ] {
        let problem = with_member("verification_uri", json!(uri)).unwrap_err();
        assert_eq!(problem, unusable(Problem::VerificationUri), "{uri:?}");
        // The complete one is optional.
        let read = with_member("verification_uri_complete", json!(uri)).unwrap();
        assert_eq!(read.verification_uri_complete, None, "{uri:?}");
    }
    let shown = with_member(
        "verification_uri",
        json!("https://bücher.example/\u{202e}x"),
    );
    let shown = shown.unwrap().verification_uri;
    assert!(shown.as_str().is_ascii(), "{shown}");
}

fn unusable(problem: Problem) -> DeviceAuthorizationError {
    let status = StatusCode::OK;
    DeviceAuthorizationError::Unusable { status, problem }
}

#[test]
fn a_response_without_a_required_member_is_refused() {
    for (name, problem) in [
        ("device_code", Problem::DeviceCode),
        ("user_code", Problem::UserCode),
        ("verification_uri", Problem::VerificationUri),
        ("expires_in", Problem::Lifetime),
    ] {
        assert_eq!(
            read(&without(name)).unwrap_err(),
            unusable(problem),
            "{name}"
        );
    }
    for value in [json!(0), json!(-1), json!("never"), json!(null)] {
        let refused = with_member("expires_in", value).unwrap_err();
        assert_eq!(refused, unusable(Problem::Lifetime));
    }
    let long = json!("d".repeat(8 * 1024 + 1));
    let refused = with_member("device_code", long).unwrap_err();
    assert_eq!(refused, unusable(Problem::DeviceCode));
    assert_eq!(
        read(&json!("text")).unwrap_err(),
        unusable(Problem::NoObject)
    );
}

#[test]
fn a_refused_or_busy_device_endpoint_is_told_apart() {
    let read = |status, headers: &[(&str, &str)], body: &str| {
        let response = response(status, headers, body.to_owned());
        client()
            .read_device_authorization_response(&response, sent_at())
            .unwrap_err()
    };
    for status in [200, 400, 403] {
        let refused = read(status, &[], r#"{"error":"unauthorized_client"}"#).to_string();
        assert!(refused.contains("unauthorized_client"), "{refused}");
    }
    assert!(read(404, &[], "<html>").to_string().contains("404"));
    for status in [408, 429, 500, 503] {
        let retry_after = Some(Duration::from_secs(9));
        let busy = read(status, &[("retry-after", "9")], "");
        assert_eq!(busy, DeviceAuthorizationError::Unavailable { retry_after });
    }
}

#[test]
fn a_poll_has_the_classes_of_rfc_8628() {
    let class = |grant_type, status, code: &str| {
        let body = json!({ "error": code }).to_string();
        let read =
            client().read_token_response(grant_type, &response(status, &[], body), sent_at());
        read.unwrap_err().class
    };
    for (code, expected) in [
        ("authorization_pending", Class::Pending),
        ("slow_down", Class::SlowDown),
        ("access_denied", Class::Terminal),
        ("expired_token", Class::Terminal),
        ("invalid_grant", Class::Terminal),
        ("invalid_client", Class::Configuration),
        ("invalid_request", Class::Unexplained),
    ] {
        // GitHub answers with 200, Google with 403 and 428.
        for status in [200, 400, 403, 428] {
            assert_eq!(
                class(GrantType::DeviceCode, status, code),
                expected,
                "{status} {code}"
            );
        }
    }
    for code in ["authorization_pending", "slow_down"] {
        assert!(matches!(
            class(GrantType::DeviceCode, 500, code),
            Class::Ambiguous
        ));
        for other in [GrantType::AuthorizationCode, GrantType::RefreshToken] {
            let class = class(other, 400, code);
            assert!(
                !matches!(class, Class::Pending | Class::SlowDown),
                "{code} {other:?}"
            );
        }
    }
    let too_many = class(GrantType::DeviceCode, 429, "slow_down");
    assert_eq!(too_many, Class::SlowDown);
}

#[test]
fn a_dialect_may_name_the_codes_of_its_polls() {
    let client = with(|dialect| {
        let rules = r#"[
            {"grant_type":"device_code","error":"not_yet","class":"pending"},
            {"grant_type":"device_code","error":"authorization_declined","class":"terminal"}
        ]"#;
        dialect.errors.map = serde_json::from_str(rules).unwrap();
    });
    for (code, expected) in [
        ("not_yet", Class::Pending),
        ("authorization_declined", Class::Terminal),
    ] {
        let response = response(400, &[], json!({ "error": code }).to_string());
        let read = client.read_token_response(GrantType::DeviceCode, &response, sent_at());
        assert_eq!(read.unwrap_err().class, expected, "{code}");
    }
}

#[test]
fn no_device_endpoint_means_no_request() {
    let client = with(|dialect| dialect.device = None);
    let site = client.site(None).unwrap();
    let request = client.device_authorization_request(&site, &Default::default());
    assert!(request.unwrap().is_none());
}
