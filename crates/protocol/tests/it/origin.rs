//! Origins of URLs.

use tokenkeeper_protocol::{Origin, http::Uri};

#[test]
fn an_origin_is_scheme_lower_case_host_and_port() {
    for (given, expected, host) in [
        (
            "https://ID.amiqus.co",
            "https://id.amiqus.co",
            "id.amiqus.co",
        ),
        ("https://a.example:443/", "https://a.example", "a.example"),
        (
            "https://a.example:8443",
            "https://a.example:8443",
            "a.example",
        ),
        ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
        (
            "http://127.8.9.1:8080",
            "http://127.8.9.1:8080",
            "127.8.9.1",
        ),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]"),
        ("http://localhost:1", "http://localhost:1", "localhost"),
        (
            "https://bücher.example",
            "https://xn--bcher-kva.example",
            "xn--bcher-kva.example",
        ),
    ] {
        let origin = Origin::parse(given).unwrap();
        assert_eq!(
            (origin.as_str(), origin.host()),
            (expected, host),
            "{given}"
        );
        assert_eq!(
            origin.is_loopback(),
            expected.starts_with("http:"),
            "{given}"
        );
    }
}

#[test]
fn f3_http_is_for_loopback_only() {
    for given in [
        "http://id.amiqus.co",
        "http://10.0.0.1",
        "http://128.0.0.1",
        "http://localhost.evil.test",
        "http://sub.localhost",
        "http://127.0.0.1.evil.test",
        "http://[::2]",
        "http://0.0.0.0",
    ] {
        let refused = Origin::parse(given).unwrap_err().to_string();
        assert!(refused.contains("https"), "{given}: {refused}");
    }
}

#[test]
fn a_text_that_is_not_an_origin_is_refused() {
    for given in [
        "",
        "a.example",
        "ftp://a.example",
        "https://",
        "https://user@a.example",
        "https://u:p@a.example",
        "https://@a.example",
        "https://a.example/path",
        "https://a.example?q",
        "https://a.example/#f",
        "https://a.example:99999",
        "file:///etc/passwd",
        "https://*.example.com",
        "https://{account}.example.com",
    ] {
        assert!(Origin::parse(given).is_err(), "{given}");
    }
}

#[test]
fn a_uri_matches_its_own_origin_only() {
    let origin = Origin::parse("https://a.example").unwrap();
    let matches = |uri: &str| {
        let uri: Uri = uri.parse().unwrap();
        let both = (
            origin.matches(&uri),
            Origin::of(&uri).as_ref() == Some(&origin),
        );
        assert_eq!(both.0, both.1, "{uri}");
        both.0
    };
    for uri in [
        "https://a.example",
        "https://A.EXAMPLE/x?y",
        "https://a.example:443/",
        "HTTPS://a.example/",
    ] {
        assert!(matches(uri), "{uri}");
    }
    for uri in [
        "http://a.example/",
        "https://a.example:444/",
        "https://b.example/",
        "https://a.example.evil.test/",
        "https://a.example./",
        "https://user@a.example/",
        "https://@a.example/",
        "https://a.example@evil.test/",
        "/path",
        "a.example:443",
    ] {
        assert!(!matches(uri), "{uri}");
    }
}

#[test]
fn loopback_with_a_port_matches_that_port() {
    let origin = Origin::parse("http://[::1]:8080").unwrap();
    assert!(origin.matches(&Uri::from_static("http://[::1]:8080/x")));
    assert!(!origin.matches(&Uri::from_static("http://[::1]/x")));
    assert!(!origin.matches(&Uri::from_static("https://[::1]:8080/x")));
}
