//! Requests to the API: attached tokens, constant headers, and the origins that take a token.

use serde_json::json;
use tokenkeeper_protocol::{
    ApiOrigin, Attachment, LoginData, Registration,
    http::{HeaderMap, HeaderValue, Request, Uri},
};

use super::*;

fn origins(lines: &str, login: &LoginData) -> Vec<String> {
    let client = client(lines);
    let site = client.site(None).unwrap();
    let origins = client.api_origins(&site, login);
    origins[1..].iter().map(ToString::to_string).collect()
}

fn attached(client: &Client) -> Attachment {
    client.attach(&access_token(), None).unwrap()
}

#[test]
fn a_scheme_replaces_bearer() {
    let client = client("attach = { scheme = \"Zoho-oauthtoken\" }");
    let attachment = attached(&client);
    assert_eq!(
        show_attachment(&attachment),
        "authorization: Zoho-oauthtoken at.1"
    );
    let Attachment::Header { value, .. } = attachment else {
        panic!("a header")
    };
    assert!(value.is_sensitive());
}

#[test]
fn constant_headers_are_added_if_they_are_absent() {
    let client = with(
        "api_headers = { Notion-Version = \"2022-06-28\", x-api-key = \"{client_id}\", \
         developer-token = \"{developer_token}\" }\n\
         values = { developer_token = { pattern = \"text\" } }",
        Registration::new("id", CALLBACK)
            .secret("s")
            .value("developer_token", "dt/1"),
    );
    let attachment = attached(&client);
    assert_eq!(
        show_attachment(&attachment),
        "authorization: Bearer at.1\n\
         notion-version: 2022-06-28\n\
         developer-token: dt/1\n\
         x-api-key: id"
    );
    let (mut uri, mut headers) = (Uri::from_static("https://login.example/"), HeaderMap::new());
    headers.insert("notion-version", HeaderValue::from_static("2025-09-03"));
    attachment.apply(&mut uri, &mut headers).unwrap();
    assert_eq!(headers["notion-version"], "2025-09-03");
    assert_eq!(headers["developer-token"], "dt/1");
    assert!(headers["developer-token"].is_sensitive());

    let mut request = Request::new(());
    attachment.apply_to(&mut request).unwrap();
    assert_eq!(request.headers()["notion-version"], "2022-06-28");
    assert_eq!(request.headers()["authorization"], "Bearer at.1");
    assert!(!format!("{attachment:?} {client:?}").contains("dt/1"));
}

#[test]
fn constant_headers_go_next_to_a_token_in_the_query() {
    let client = client("attach = { query = \"t\" }\napi_headers = { x-version = \"1\" }");
    let (mut uri, mut headers) = (Uri::from_static("https://login.example/"), HeaderMap::new());
    attached(&client).apply(&mut uri, &mut headers).unwrap();
    assert_eq!(uri, "https://login.example/?t=at.1");
    assert_eq!(headers["x-version"], "1");
}

#[test]
fn an_origin_can_be_a_wildcard() {
    let lines = "api_origins = [\"https://api.example\", \"https://*.example.com\"]";
    let login = LoginData::default();
    assert_eq!(
        origins(lines, &login),
        ["https://api.example", "https://*.example.com"]
    );
    let wildcard = ApiOrigin::parse("https://*.Example.com").unwrap();
    for (target, matches) in [
        ("https://a.example.com/x", true),
        ("https://A.B.EXAMPLE.com:443/", true),
        ("https://example.com/", false),
        ("https://.example.com/", false),
        ("https://aexample.com/", false),
        ("https://a.example.com.evil.test/", false),
        ("https://a.example.com:8443/", false),
        ("http://a.example.com/", false),
        ("https://user@a.example.com/", false),
        ("/x", false),
    ] {
        let Ok(uri) = target.parse::<Uri>() else {
            continue;
        };
        assert_eq!(wildcard.matches(&uri), matches, "{target}");
    }
}

#[test]
fn a_wildcard_elsewhere_is_refused() {
    for origin in [
        "https://*",
        "https://*.com",
        "https://*.co.uk",
        "https://*.com.au",
        "https://*.localhost",
        "https://a.*.example.com",
        "https://*.*.example.com",
        "https://a*.example.com",
        "https://*a.example.com",
        "https://**.example.com",
        "http://*.example.com",
        "http://*.localhost:8080",
        "https://*.127.0.0.1",
        "https://*.example.com/path",
        "https://api.example.com/*",
        "*.example.com",
        "https://user@*.example.com",
        "https://*.example..com",
    ] {
        let error = read(&format!("api_origins = [\"{origin}\"]")).unwrap_err();
        assert!(error.to_string().contains("line 6"), "{origin}: {error}");
    }
}

#[test]
fn no_value_makes_a_wildcard() {
    for pattern in ["{ one_of = [\"eu\", \"*\"] }", "\"text\""] {
        let error = read(&format!(
            "api_origins = [\"https://{{region}}.example.com\"]\n\
             values = {{ region = {{ pattern = {pattern} }} }}"
        ));
        assert!(
            matches!(error, Err(Error::Dialect { .. })),
            "{pattern}: {error:?}"
        );
    }
    let client = with(
        "api_origins = [\"https://*.{region}.example.com\"]\n\
         values = { region = { pattern = { one_of = [\"eu\"] } } }",
        Registration::new("id", CALLBACK)
            .secret("s")
            .value("region", "eu"),
    );
    let site = client.site(None).unwrap();
    let origins = client.api_origins(&site, &LoginData::default());
    assert_eq!(origins[1].to_string(), "https://*.eu.example.com");
}

#[test]
fn origins_hold_the_values_of_site_and_registration() {
    let client = with(
        "site = \"https://{account}.app.example.com\"\n\
         api_origins = [\"https://{account}.api.example.com\", \
         \"https://*.{region}.example.org\"]\n\
         values = { account = { pattern = \"label\" }, region.pattern.one_of = [\"eu\"] }",
        Registration::new("id", CALLBACK)
            .secret("s")
            .value("region", "eu"),
    );
    let site = client.site(Some("Acme")).unwrap();
    let origins = client.api_origins(&site, &LoginData::default());
    assert_eq!(
        origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "https://acme.app.example.com",
            "https://acme.api.example.com",
            "https://*.eu.example.org"
        ]
    );
}

#[test]
fn an_origin_can_be_a_member_of_the_answer() {
    let lines = "api_origins_from = [{ field = \"urls.api\", below = [\"example.com\"] }]";
    for (value, expected) in [
        ("https://eu5.example.com", &["https://eu5.example.com"][..]),
        (
            "https://EU5.example.com/v2/?x=y",
            &["https://eu5.example.com"],
        ),
        ("eu5.example.com", &["https://eu5.example.com"]),
        ("https://example.com:443/v1", &["https://example.com"]),
        ("https://example.com:8443", &[]),
        ("example.com:8443", &[]),
        ("https://@eu5.example.com", &[]),
        ("https://eu5.example.com/@x", &["https://eu5.example.com"]),
        ("https://10.0.0.1", &[]),
        ("167772161", &[]),
        ("http://eu5.example.com", &[]),
        ("https://user@eu5.example.com", &[]),
        ("https://evil.test", &[]),
        ("https://evil-example.com", &[]),
        ("https://example.com.evil.test", &[]),
        ("https://evil.test/.example.com", &[]),
        ("https://evil.test#.example.com", &[]),
        ("https://*.example.com", &[]),
        ("javascript://eu5.example.com", &[]),
        ("", &[]),
    ] {
        let login = LoginData::default().with_member("urls", json!({ "api": value }));
        assert_eq!(origins(lines, &login), expected, "{value}");
    }
    let number = LoginData::default().with_member("urls", json!({ "api": 5 }));
    for login in [number, LoginData::default()] {
        assert_eq!(origins(lines, &login), [""; 0]);
    }
}

#[test]
fn an_origin_can_be_a_parameter_that_fills_a_template() {
    let lines = "[[api_origins_from]]\nparameter = \"dc\"\n\
                 template = \"https://{value}.api.example.com\"";
    for (value, expected) in [
        ("us6", &["https://us6.api.example.com"][..]),
        ("US6.eu", &["https://us6.eu.api.example.com"]),
        ("evil.test/", &[]),
        ("evil.test#", &[]),
        ("a@b", &[]),
        ("", &[]),
    ] {
        let login = LoginData::default().with_parameter("dc", value);
        assert_eq!(origins(lines, &login), expected, "{value}");
        let elsewhere = LoginData::default().with_member("dc", json!(value));
        assert_eq!(origins(lines, &elsewhere), [""; 0]);
    }
}

#[test]
fn a_login_names_no_private_origin() {
    for host in ["127.0.0.1", "localhost", "10.0.0.1", "[::1]", "a.internal"] {
        let lines = "api_origins_from = [{ field = \"u\", below = [\"example.com\"] }]";
        let login = LoginData::default().with_member("u", json!(format!("https://{host}")));
        assert_eq!(origins(lines, &login), [""; 0], "{host}");
    }
}
