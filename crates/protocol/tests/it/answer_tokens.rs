//! Odd members next to tokens, and odd tokens.

use tokenkeeper_protocol::{Class, GrantType, Hint, Provider};

use crate::{answers::*, support::*};

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
        &br#""\ud800""#[..],
        nested.as_bytes(),
        br#"["a"]"#,
        br#"{"a":"b"}"#,
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
fn an_access_token_is_no_number() {
    for token in ["7", "true", "1e999"] {
        let body = format!(r#"{{"refresh_token":"r","access_token":{token}}}"#);
        let refusal = read_as(&client(), &[], body).unwrap_err();
        assert_eq!(
            (refusal.class, refusal.hint),
            (Class::Ambiguous, None),
            "{token}"
        );
    }
}

#[test]
fn what_is_no_refresh_token_costs_no_access_token() {
    for value in [
        "null", "false", "\"\"", "[]", "{}", "[ ]", "{\n}", "0", "7", "-1.5", "1e999", "true",
    ] {
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
fn what_frameworks_put_around_json_costs_no_token() {
    for body in [
        "\u{feff} {\"access_token\":\"a\"}",
        "\r\n{\"access_token\":\"a\"}\r\n\t ",
        "{\"access_token\":\"a\"}\0\0",
        "{\"access_token\":\"a\"}\n\0 \r\n",
        "{\"access_token\":\"a\"};",
        ")]}'\n{\"access_token\":\"a\"}",
        ")]}',\n{\"access_token\":\"a\"}",
        "while(1);{\"access_token\":\"a\"}",
        "for(;;);{\"access_token\":\"a\"}",
        "[{\"access_token\":\"a\"}]",
        ")]}'[ {\"access_token\":\"a\"} ];",
    ] {
        let set = tokens(body);
        assert_eq!(set.access_token.expose(), "a", "{body}");
        assert!(set.extra.is_empty(), "{body}");
    }
    for body in [
        "{\"access_token\":\"a\"}x",
        "{\"access_token\":\"a\"}{\"access_token\":\"b\"}",
        "[[{\"access_token\":\"a\"}]]",
        "[{\"access_token\":\"a\"},{\"access_token\":\"b\"}]",
        "callback({\"access_token\":\"a\"})",
        "\"access_token\"",
        "{\"access_token\":\"a\"},",
    ] {
        let refusal = read_as(&client(), &[], body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{body}");
    }
}

#[test]
fn a_path_may_begin_with_an_index() {
    let first = with(|d| d.response.tokens_at = Some("0".to_owned()));
    let second = with(|d| d.response.tokens_at = Some("1".to_owned()));
    let one = r#"[{"access_token":"a","refresh_token":"r","id":1}]"#;
    let two = r#"[{"access_token":"a"},{"access_token":"b","refresh_token":"s"},7]"#;
    for (client, body, token, refresh_token) in [
        (&first, one, "a", Some("r")),
        (&first, two, "a", None),
        (&second, two, "b", Some("s")),
    ] {
        let set = read_as(client, &[], body).unwrap();
        assert_eq!(
            (set.access_token.expose(), refresh(&set)),
            (token, refresh_token),
            "{body}"
        );
        let extra = serde_json::to_string(&set.extra).unwrap();
        assert!(!extra.contains(&format!("\"{token}\"")), "{extra}");
    }
    let refusal = read_as(&client(), &[], two).unwrap_err();
    assert_eq!(refusal.hint.unwrap().field(), Some("response.tokens_at"));
    let ended = response(400, &[], r#"[{"error":"invalid_grant"}]"#);
    let read = client().read_token_response(GrantType::RefreshToken, &ended, sent_at());
    assert_eq!(read.unwrap_err().class, Class::Terminal);
}

#[test]
fn text_around_json_is_told() {
    for body in [
        "<br />\n<b>Warning</b>: x() {main} in <b>a.php</b>\n{\"access_token\":\"SECRET\"}",
        "Notice: Undefined index\n{\"access_token\":\"SECRET\",\"expires_in\":60}",
        "{\"access_token\":\"SECRET\"}<!-- 0.01 s -->",
        "callback({\"access_token\":\"SECRET\"})",
    ] {
        let refusal = read_as(&client(), &[], body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{body}");
        assert_eq!(refusal.hint, Some(Hint::TextAround), "{body}");
        assert!(!format!("{refusal} {refusal:?}").contains("SECRET"));
    }
}
