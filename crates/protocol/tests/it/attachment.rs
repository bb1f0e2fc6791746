//! Tokens attached to requests.

use tokenkeeper_protocol::{
    AccessToken, AttachmentMethod, Error, HeaderProblem, Provider,
    http::{HeaderMap, HeaderValue, Uri},
};

use crate::support::*;

#[test]
fn bearer_has_a_capital_b_and_is_sensitive() {
    let (mut uri, mut headers) = (
        Uri::from_static("https://login.example/x"),
        HeaderMap::new(),
    );
    headers.append("authorization", HeaderValue::from_static("Basic old"));
    headers.append("authorization", HeaderValue::from_static("Basic older"));
    client()
        .attach(&access_token(), None)
        .unwrap()
        .apply(&mut uri, &mut headers)
        .unwrap();
    let values: Vec<_> = headers.get_all("authorization").iter().collect();
    assert_eq!(values, ["Bearer at.1"]);
    assert!(values[0].is_sensitive());
    assert_eq!(uri, "https://login.example/x");
}

#[test]
fn a_custom_header_holds_the_token_alone() {
    let client = with(|d| d.attach = AttachmentMethod::Header("x-access-token".to_owned()));
    let attachment = client.attach(&access_token(), None).unwrap();
    assert_eq!(show_attachment(&attachment), "x-access-token: at.1");
}

#[test]
fn the_query_parameter_replaces_those_of_its_name() {
    let client = with(|d| d.attach = AttachmentMethod::Query("access_token".to_owned()));
    let attachment = client.attach(&AccessToken::new("a+/=&b~"), None).unwrap();
    for (before, after) in [
        (
            "https://h.example",
            "https://h.example/?access_token=a%2B%2F%3D%26b~",
        ),
        (
            "https://h.example/p?",
            "https://h.example/p?access_token=a%2B%2F%3D%26b~",
        ),
        (
            "/p?q=%20+1&&r",
            "/p?q=%20+1&&r&access_token=a%2B%2F%3D%26b~",
        ),
        (
            "/p?access_token=old&x=1&access%5Ftoken=older",
            "/p?x=1&access_token=a%2B%2F%3D%26b~",
        ),
    ] {
        let (mut uri, mut headers): (Uri, _) = (before.parse().unwrap(), HeaderMap::new());
        attachment.apply(&mut uri, &mut headers).unwrap();
        assert_eq!(uri.to_string(), after);
        assert!(headers.is_empty());
    }
}

#[test]
fn a_token_that_breaks_out_of_its_place_is_refused() {
    for attach in [
        AttachmentMethod::Bearer,
        AttachmentMethod::Header("x-t".to_owned()),
        AttachmentMethod::Query("t".to_owned()),
    ] {
        let client = with(|d| d.attach = attach.clone());
        for (token, expected) in [
            ("", HeaderProblem::Empty),
            ("a\r\nx: y", HeaderProblem::Control),
            ("a\0", HeaderProblem::Control),
            ("a\u{7f}", HeaderProblem::Control),
            (" a", HeaderProblem::Blank),
            ("a ", HeaderProblem::Blank),
            ("é", HeaderProblem::NonAscii),
        ] {
            let refused = client.attach(&AccessToken::new(token), None);
            let fits =
                matches!(&refused, Err(Error::HeaderValue { problem, .. }) if *problem == expected);
            assert!(fits, "{attach:?} {token:?} {refused:?}");
        }
    }
}

#[test]
fn an_attachment_does_not_print_its_token() {
    for attach in [
        AttachmentMethod::Bearer,
        AttachmentMethod::Query("t".to_owned()),
    ] {
        let client = with(|d| d.attach = attach);
        let printed = format!(
            "{:?}",
            client.attach(&AccessToken::new("SECRET"), None).unwrap()
        );
        assert!(!printed.contains("SECRET"), "{printed}");
    }
}
