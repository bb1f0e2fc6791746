//! Odd members next to tokens, odd tokens, and tokens in odd places.

use std::time::{Duration, SystemTime};

use serde_json::json;
use tokenkeeper_protocol::{
    Class, Client, Error, GrantType, Provider, RefreshToken, Refusal, TokenSet,
};

use crate::support::*;

const FORM: (&str, &str) = (
    "content-type",
    "application/x-www-form-urlencoded; charset=utf-8",
);

fn read_as(
    client: &Client,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Result<TokenSet, Refusal> {
    let response = response(200, headers, body.into());
    client.read_token_response(GrantType::RefreshToken, &response, sent_at())
}

fn tokens(body: impl Into<Vec<u8>>) -> TokenSet {
    read_as(&client(), &[], body).unwrap()
}

fn refresh(tokens: &TokenSet) -> Option<&str> {
    tokens.refresh_token.as_ref().map(RefreshToken::expose)
}

fn after(seconds: u64) -> Option<SystemTime> {
    Some(sent_at() + Duration::from_secs(seconds))
}

/// Joins bytes that need not be UTF-8 to an object with both tokens.
fn with_member(member: &[u8]) -> Vec<u8> {
    [
        br#"{"access_token":"a","#,
        member,
        br#","refresh_token":"r"}"#,
    ]
    .concat()
}

#[test]
fn a_member_that_is_not_used_costs_nothing() {
    let deep = format!(r#""x":{}{}"#, "[".repeat(5000), "]".repeat(5000));
    for member in [
        &b"\"name\":\"Jos\xe9\""[..],
        b"\"na\xefme\":1",
        b"\"x\":1e999",
        br#""x":"\ud800""#,
        br#""\ud800":1"#,
        b"\"x\":\"a\nb\tc\"",
        br#""x":"it\'s""#,
        br#""x":1,"x":2"#,
        br#""x":{"y":1,"y":2}"#,
        deep.as_bytes(),
    ] {
        let set = tokens(with_member(member));
        let shown = String::from_utf8_lossy(member);
        assert_eq!(set.access_token.expose(), "a", "{shown}");
        assert_eq!(refresh(&set), Some("r"), "{shown}");
        assert_eq!(set.extra.len(), 1, "{shown}");
    }
    let set = tokens(with_member(b"\"name\":\"Jos\xe9\""));
    assert_eq!(set.extra["name"], "Jos\u{fffd}");
}

#[test]
fn only_one_clean_string_is_a_token() {
    let nested = format!("{}{}", "[".repeat(129), "]".repeat(129));
    for token in [
        &b"1e999"[..],
        br#""\ud800""#,
        nested.as_bytes(),
        b"7",
        b"true",
        b"{}",
        b"[]",
        br#"["a"]"#,
        b"\"a\xe9\"",
        b"\"a\nb\"",
        br#""a\qb""#,
        r#""a�""#.as_bytes(),
    ] {
        for name in ["access_token", "refresh_token"] {
            let other = match name {
                "access_token" => r#""refresh_token":"SECRET""#,
                _ => r#""access_token":"SECRET""#,
            };
            let member = [format!("{{{other},\"{name}\":").as_bytes(), token, b"}"].concat();
            let refusal = read_as(&client(), &[], member).unwrap_err();
            let shown = String::from_utf8_lossy(token);
            assert_eq!(refusal.class, Class::Ambiguous, "{name} {shown}");
            assert!(!format!("{refusal} {refusal:?}").contains("SECRET"));
        }
    }
}

#[test]
fn two_tokens_of_one_name_are_unreadable() {
    for body in [
        r#"{"access_token":"a","access_token":"b"}"#,
        r#"{"access_token":"a","access_token":null}"#,
        r#"{"access_token":"a","refresh_token":"r","refresh_token":"s"}"#,
        r#"{"access_token":"a","token_type":"bearer","token_type":"mac"}"#,
    ] {
        let refusal = read_as(&client(), &[], body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{body}");
    }
    let refusal = read_as(&client(), &[FORM], "access_token=a&access_token=b").unwrap_err();
    assert_eq!(refusal.class, Class::Ambiguous);
    let set = tokens(r#"{"access_token":"a","access_token":"a"}"#);
    assert_eq!(set.access_token.expose(), "a", "the same value twice");
    let set = tokens(r#"{"access_token":"a","expires_in":60,"expires_in":90}"#);
    assert_eq!(set.expires_at, None, "an expiry costs no token");
}

#[test]
fn no_refresh_token_may_be_null_false_or_empty() {
    for value in ["null", "false", "\"\""] {
        let set = tokens(format!(r#"{{"access_token":"a","refresh_token":{value}}}"#));
        assert_eq!(refresh(&set), None, "{value}");
        assert!(set.extra.is_empty(), "{value}");
    }
}

#[test]
fn a_token_with_control_characters_is_kept_as_it_is() {
    let set = tokens(r#"{"access_token":"a\r\n","refresh_token":"r\u0000"}"#);
    assert_eq!(set.access_token.expose(), "a\r\n");
    assert_eq!(refresh(&set), Some("r\0"));
}

#[test]
fn only_white_space_and_a_bom_may_surround_the_object() {
    for body in [
        "\u{feff} {\"access_token\":\"a\"}",
        "\r\n{\"access_token\":\"a\"}\r\n\t ",
    ] {
        assert_eq!(tokens(body).access_token.expose(), "a");
    }
    for body in [
        "{\"access_token\":\"a\"}x",
        "{\"access_token\":\"a\"}{\"access_token\":\"b\"}",
        "[{\"access_token\":\"a\"}]",
        "\"access_token\"",
        "{\"access_token\":\"a\"},",
    ] {
        let refusal = read_as(&client(), &[], body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{body}");
    }
}

#[test]
fn a_form_is_read_like_json() {
    let body = "access_token=a%2Bb&expires_in=28800&refresh_token=r+1&token_type=bearer\
                &scope=x%20y&refresh_token_expires_in=15897600&note=n";
    let text = [("content-type", "text/plain;charset=UTF-8")];
    let json = [("content-type", "application/json")];
    for headers in [&[FORM][..], &text, &json, &[]] {
        let set = read_as(&client(), headers, body).unwrap();
        assert_eq!(set.access_token.expose(), "a+b");
        assert_eq!(refresh(&set), Some("r 1"));
        assert_eq!(set.expires_at, after(28800));
        assert_eq!(set.refresh_expires_at, after(15_897_600));
        assert_eq!(set.token_type.as_deref(), Some("bearer"));
        assert_eq!(set.scope.as_deref(), Some("x y"));
        assert_eq!(set.extra.keys().collect::<Vec<_>>(), ["note"]);
    }
    let set = read_as(&client(), &[FORM], "access_token=a&refresh_token=&scope=\n").unwrap();
    assert_eq!((refresh(&set), set.scope.as_deref()), (None, None));
}

#[test]
fn what_is_no_form_is_not_read_as_one() {
    for (headers, body) in [
        (&[("content-type", "text/html")][..], "access_token=a"),
        (
            &[("content-type", "text/html; charset=utf-8")],
            "access_token=a&x=1",
        ),
        (
            &[("content-type", "application/xhtml+xml")],
            "access_token=a",
        ),
        (&[], "<p>access_token=a</p>"),
        (&[], "your access_token=a"),
        (&[], "access_token"),
        (&[], "access_token=a&b"),
        (&[], "x=1&y=2"),
        (&[], "{\"access_token=a"),
        (&[FORM], "access_token=%ff"),
        (&[FORM], "access_token="),
    ] {
        let refusal = read_as(&client(), headers, body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{headers:?} {body}");
    }
    // JSON counts whatever the content type says.
    assert!(read_as(&client(), &[FORM], r#"{"access_token":"a"}"#).is_ok());
}

#[test]
fn a_body_that_is_still_compressed_is_not_read() {
    for encoding in ["gzip", "br", "zstd", "gzip, br"] {
        let headers = [("content-encoding", encoding), FORM];
        let refusal = read_as(&client(), &headers, b"\x1f\x8b\x08\0=&").unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{encoding}");
        assert!(refusal.to_string().contains("compressed"), "{refusal}");
    }
    // A proxy may decode the body and keep the header.
    for encoding in ["identity", "", "gzip", "br"] {
        let headers = [("content-encoding", encoding)];
        for body in ["access_token=a", r#"{"access_token":"a"}"#] {
            assert!(
                read_as(&client(), &headers, body).is_ok(),
                "{encoding} {body}"
            );
        }
    }
}

#[test]
fn the_expiry_of_the_refresh_token_is_read() {
    for name in [
        "refresh_token_expires_in",
        "refresh_expires_in",
        "x_refresh_token_expires_in",
    ] {
        for value in ["8726400", "\"8726400\"", "8726400.0"] {
            let set = tokens(format!(r#"{{"access_token":"a","{name}":{value}}}"#));
            assert_eq!(set.refresh_expires_at, after(8_726_400), "{name} {value}");
            assert!(set.extra.is_empty());
        }
    }
    // Keycloak writes 0 for a token without an end; the rest is senseless.
    for value in ["0", "-1", "\"never\"", "1e99", "null", "[]"] {
        let set = tokens(format!(
            r#"{{"access_token":"a","refresh_expires_in":{value}}}"#
        ));
        assert_eq!(set.refresh_expires_at, None, "{value}");
    }
    let own = with(|d| d.response.refresh_expiry_fields = vec!["rt.life".to_owned()]);
    let body = r#"{"access_token":"a","rt":{"life":60},"refresh_expires_in":90}"#;
    assert_eq!(
        read_as(&own, &[], body).unwrap().refresh_expires_at,
        after(60)
    );
}

#[test]
fn a_token_set_keeps_the_expiry_of_its_refresh_token() {
    let set = tokens(r#"{"access_token":"a","refresh_expires_in":60}"#);
    let text = serde_json::to_string(&set).unwrap();
    assert!(
        text.contains("\"refresh_expires_at\":1700000060000"),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<TokenSet>(&text).unwrap(), set);
    let same = TokenSet::new("a").with_issued_at(sent_at());
    assert_eq!(same.with_refresh_expires_at(after(60).unwrap()), set);
}

#[test]
fn a_dialect_states_the_life_of_a_token_without_an_expiry() {
    let client = with(|d| d.response.lifetime_when_absent = Some(7200));
    for (expiry, seconds) in [
        ("", 7200),
        (r#","expires_in":null"#, 7200),
        (r#","expires_in":"soon""#, 7200),
        (r#","expires_in":60"#, 60),
        (r#","expires_in":0"#, 0),
    ] {
        let body = format!(r#"{{"access_token":"a"{expiry}}}"#);
        let set = read_as(&client, &[], body).unwrap();
        assert_eq!(set.expires_at, after(seconds), "{expiry}");
    }
}

#[test]
fn a_scope_is_read_back_to_spaces() {
    let client = with(|d| d.authorization.scope_separator = ",".to_owned());
    for scope in ["a,b", "a b"] {
        let body = format!(r#"{{"access_token":"a","scope":"{scope}"}}"#);
        let set = read_as(&client, &[], body).unwrap();
        assert_eq!(set.scope.as_deref(), Some("a b"), "{scope}");
    }
}

#[test]
fn a_scope_may_be_a_list() {
    for (scope, expected) in [
        (r#"["a","b"]"#, Some("a b")),
        ("[]", Some("")),
        (r#"["a",1]"#, None),
        ("7", None),
    ] {
        let set = tokens(format!(r#"{{"access_token":"a","scope":{scope}}}"#));
        assert_eq!(set.scope.as_deref(), expected, "{scope}");
    }
}

fn slack() -> Client {
    with(|d| {
        d.response.tokens_at = Some("authed_user".to_owned());
        d.response.refresh_tokens_at = Some(String::new());
    })
}

#[test]
fn tokens_are_read_at_a_path() {
    let body = json!({
        "ok": true,
        "access_token": "bot",
        "token_type": "bot",
        "team": { "id": "T1" },
        "authed_user": {
            "id": "U1", "access_token": "user", "refresh_token": "r", "token_type": "user",
            "expires_in": 60, "scope": "chat:write",
        },
    });
    let login = response(200, &[], body.to_string());
    let read = |grant_type| {
        slack()
            .read_token_response(grant_type, &login, sent_at())
            .unwrap()
    };
    let set = read(GrantType::AuthorizationCode);
    assert_eq!(set.access_token.expose(), "user");
    assert_eq!(refresh(&set), Some("r"));
    assert_eq!(set.token_type.as_deref(), Some("user"));
    assert_eq!(
        (set.expires_at, set.scope.as_deref()),
        (after(60), Some("chat:write"))
    );
    assert_eq!(set.extra["authed_user"], json!({ "id": "U1" }));
    assert_eq!(set.extra["team"], json!({ "id": "T1" }));
    // A refresh brings them at the top.
    assert_eq!(read(GrantType::RefreshToken).access_token.expose(), "bot");
}

#[test]
fn no_token_stays_among_the_further_members() {
    for (at, body) in [
        (
            "data",
            r#"{"data":{"access_token":"SECRET","refresh_token":"SECRET"}}"#,
        ),
        (
            "a.b",
            r#"{"a":{"b":{"access_token":"SECRET","refresh_token":"SECRET"}}}"#,
        ),
        (
            "list.1",
            r#"{"list":[{},{"access_token":"SECRET","refresh_token":"SECRET"}]}"#,
        ),
    ] {
        let client = with(|d| d.response.tokens_at = Some(at.to_owned()));
        let set = read_as(&client, &[], body).unwrap();
        assert_eq!(
            (set.access_token.expose(), refresh(&set)),
            ("SECRET", Some("SECRET"))
        );
        let further = serde_json::to_string(&set.extra).unwrap();
        assert!(!further.contains("SECRET"), "{further}");
    }
    let element = with(|d| {
        d.response.access_token_field = "tokens.0".to_owned();
        d.response.refresh_token_field = "tokens.1".to_owned();
    });
    let body = r#"{"tokens":["SECRET","SECRET","x"]}"#;
    let set = read_as(&element, &[], body).unwrap();
    assert_eq!(set.extra["tokens"], json!([null, null, "x"]));
}

#[test]
fn tokens_at_another_path_are_not_taken() {
    for body in [
        r#"{"access_token":"bot"}"#,
        r#"{"access_token":"bot","authed_user":null}"#,
        r#"{"access_token":"bot","authed_user":"x"}"#,
        r#"{"access_token":"bot","authed_user":{"id":"U1"}}"#,
        r#"{"authed_user":{"access_token":"a"},"authed_user":{"access_token":"b"}}"#,
        r#"{"authed_user":{"access_token":"a","access_token":"b"}}"#,
    ] {
        let response = response(200, &[], body);
        let read = slack().read_token_response(GrantType::AuthorizationCode, &response, sent_at());
        assert_eq!(read.unwrap_err().class, Class::Ambiguous, "{body}");
    }
}

#[test]
fn members_may_have_other_names() {
    let client = with(|d| {
        let rules = &mut d.response;
        rules.access_token_field = "accessToken".to_owned();
        rules.refresh_token_field = "refresh.token".to_owned();
        rules.token_type_field = "type".to_owned();
        rules.scope_field = "permissions".to_owned();
    });
    let body = r#"{"accessToken":"a","refresh":{"token":"r"},"type":"bearer","permissions":"p"}"#;
    let set = read_as(&client, &[], body).unwrap();
    assert_eq!((set.access_token.expose(), refresh(&set)), ("a", Some("r")));
    assert_eq!(set.token_type.as_deref(), Some("bearer"));
    assert_eq!(set.scope.as_deref(), Some("p"));
    assert_eq!(set.extra.keys().collect::<Vec<_>>(), ["refresh"]);
}

#[test]
fn only_bearer_tokens_are_attached_as_such() {
    let attach = |client: &Client, token_type: Option<&str>| {
        client
            .attach(&access_token(), token_type)
            .map(|a| show_attachment(&a))
    };
    for token_type in [None, Some("bearer"), Some("Bearer"), Some("BEARER")] {
        assert_eq!(
            attach(&client(), token_type).unwrap(),
            "authorization: Bearer at.1"
        );
    }
    for (token_type, shown) in [
        ("DPoP", "`DPoP`"),
        ("mac", "`mac`"),
        ("N_A", "`N_A`"),
        ("", "an unlisted one"),
        ("bearer ", "an unlisted one"),
        ("rt-0123456789abcdef", "an unlisted one"),
    ] {
        let error = attach(&client(), Some(token_type)).unwrap_err();
        assert!(matches!(error, Error::TokenType { .. }), "{error:?}");
        assert!(error.to_string().contains(shown), "{error}");
    }
    let named = with(|d| d.response.token_types = vec!["user".to_owned(), "bot".to_owned()]);
    for token_type in ["user", "User", "bot", "bearer"] {
        assert!(attach(&named, Some(token_type)).is_ok(), "{token_type}");
    }
    assert!(attach(&named, Some("mac")).is_err());
    // Other attachments are the dialect's own.
    let own = with(|d| {
        d.attach = tokenkeeper_protocol::AttachmentMethod::Header("x-token".to_owned());
    });
    assert!(attach(&own, Some("mac")).is_ok());
}

#[test]
fn a_type_that_is_no_string_is_kept_and_not_attached() {
    for token_type in ["7", "[\"bearer\"]", "true"] {
        let set = tokens(format!(
            r#"{{"access_token":"a","token_type":{token_type}}}"#
        ));
        let kept = set.token_type.as_deref();
        assert!(
            client().attach(&set.access_token, kept).is_err(),
            "{token_type}"
        );
    }
    for token_type in ["null", "\"\""] {
        let set = tokens(format!(
            r#"{{"access_token":"a","token_type":{token_type}}}"#
        ));
        assert_eq!(set.token_type, None);
    }
}
