use std::time::SystemTime;

use tokenkeeper_protocol::{Class, Error, Hazard, Origin, Provider, http::Response};

use super::*;

fn site() -> Origin {
    ioffice().site(Some("acme.example.com")).unwrap()
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
}

#[test]
fn a_direct_code_is_off_unless_it_was_switched_on() {
    let refused = ioffice()
        .direct_code_request(&site(), "u", "p")
        .unwrap_err();
    assert!(matches!(refused, Error::NotEnabled { .. }));
}

#[test]
fn the_direct_code_request_is_that_of_the_document() {
    let request = ioffice()
        .direct_code()
        .direct_code_request(&site(), "user", "pa ss")
        .unwrap();
    assert_eq!(
        show(&request),
        "POST https://acme.example.com/external/api/oauth2/auth\n\
         content-type: application/json\n\
         x-auth-username: user\n\
         x-auth-password: pa ss\n\
         x-client-id: my-client\n\
         content-length: 0\n\n"
    );
    assert!(request.headers()["x-auth-username"].is_sensitive());
    assert!(request.headers()["x-auth-password"].is_sensitive());
    assert!(!format!("{request:?}").contains("pa ss"));
}

#[test]
fn i22_a_password_or_user_name_that_is_no_header_value_is_refused() {
    let provider = ioffice().direct_code();
    for (bad, expected) in [
        ("p\r\nx: y", Hazard::Control),
        ("p\0", Hazard::Control),
        (" p ", Hazard::Blank),
        ("pässword", Hazard::NonAscii),
        ("", Hazard::Empty),
    ] {
        for (user, password) in [("u", bad), (bad, "p")] {
            let refused = provider.direct_code_request(&site(), user, password);
            let fits =
                matches!(&refused, Err(Error::HeaderValue { hazard, .. }) if *hazard == expected);
            assert!(fits, "{bad:?}: {refused:?}");
            assert!(bad.is_empty() || !format!("{refused:?}").contains(bad));
        }
    }
}

#[test]
fn the_answer_brings_a_code_or_a_refusal() {
    let provider = ioffice();
    let read = |response| provider.read_direct_code(&response, SystemTime::UNIX_EPOCH);
    assert_eq!(
        read(answer(200, r#"{"code":"ab+c=="}"#)).unwrap().expose(),
        "ab+c=="
    );
    for body in ["", "{}", r#"{"code":""}"#, r#"{"code":"SECR"#, "<html>"] {
        let refused = read(answer(200, body)).unwrap_err();
        assert_eq!(refused.class, Class::Ambiguous, "{body}");
    }
    let long = format!(r#"{{"code":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(read(answer(200, long)).unwrap_err().class, Class::Ambiguous);
    assert_eq!(read(answer(401, "")).unwrap_err().class, Class::Unexplained);
    assert_eq!(
        read(answer(400, r#"{"error":"invalid_client"}"#))
            .unwrap_err()
            .class,
        Class::Configuration
    );
}
