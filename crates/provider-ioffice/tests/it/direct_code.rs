use tokenkeeper_protocol::{
    AuthorizationCode, Class, HeaderProblem, MAX_TOKEN_RESPONSE, Refusal, bytes::Bytes,
    conformance::sent_at, http::Response,
};

use super::*;

fn read(status: u16, body: &str) -> Result<AuthorizationCode, Refusal> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let response = Response::builder().status(status).body(body);
    ioffice().read_direct_code(&response.unwrap(), sent_at())
}

#[test]
fn a_direct_code_is_off_by_default() {
    let refused = ioffice().direct_code_request(&site(), "u", "p");
    assert!(matches!(refused, Err(Error::NotEnabled { .. })));
}

#[test]
fn the_direct_code_request_is_that_of_the_document() {
    let provider = ioffice().direct_code();
    let request = provider
        .direct_code_request(&site(), "user", "pa ss")
        .unwrap();
    assert_eq!(
        request_text(&request),
        "POST https://acme.example.com/external/api/oauth2/auth\n\
         content-type: application/json\n\
         x-auth-username: user\n\
         x-auth-password: pa ss\n\
         x-client-id: my-client\n\
         content-length: 0\n\n"
    );
    for name in ["x-auth-username", "x-auth-password"] {
        assert!(request.headers()[name].is_sensitive(), "{name}");
    }
    assert!(!format!("{request:?}").contains("pa ss"));
}

#[test]
fn i22_an_unusable_user_name_or_password_is_refused() {
    let provider = ioffice().direct_code();
    for (bad, expected) in [
        ("p\r\nx: y", HeaderProblem::Control),
        ("p\0", HeaderProblem::Control),
        (" p ", HeaderProblem::Blank),
        ("pässword", HeaderProblem::NonAscii),
        ("", HeaderProblem::Empty),
    ] {
        for (user, password) in [("u", bad), (bad, "p")] {
            let refused = provider.direct_code_request(&site(), user, password);
            let shown = format!("{refused:?}");
            let Err(Error::HeaderValue { problem, .. }) = refused else {
                panic!("{bad:?}: {shown}")
            };
            assert_eq!(problem, expected, "{bad:?}");
            assert!(bad.is_empty() || !shown.contains(bad));
        }
    }
}

#[test]
fn the_response_brings_a_code_or_a_refusal() {
    assert_eq!(
        read(200, r#"{"code":"ab+c=="}"#).unwrap().expose(),
        "ab+c=="
    );
    let long = format!(r#"{{"code":"{}"}}"#, "x".repeat(MAX_TOKEN_RESPONSE));
    for (status, body, class) in [
        (200, "", Class::Ambiguous),
        (200, "{}", Class::Ambiguous),
        (200, r#"{"code":""}"#, Class::Ambiguous),
        (200, r#"{"code":"SECR"#, Class::Ambiguous),
        (200, "<html>", Class::Ambiguous),
        (200, &long, Class::Ambiguous),
        (401, "", Class::Unexplained),
        (400, r#"{"error":"invalid_client"}"#, Class::Configuration),
    ] {
        assert_eq!(
            read(status, body).unwrap_err().class,
            class,
            "{status} {body}"
        );
    }
}
