//! The loose grammar, observed through the fields that a token response keeps.

use tokenkeeper_protocol::{Class, GrantType, Json, Provider};

use crate::support::*;

/// Returns the object's fields except the access token, or `None` if the text is refused.
fn read(fields: &str) -> Option<String> {
    let client = with(|d| d.response.json = Json::Loose);
    let body = format!("{{access_token: \"a\"{fields}");
    let answer = client.read_token_response(
        GrantType::AuthorizationCode,
        &response(200, &[], body),
        sent_at(),
    );
    answer
        .ok()
        .map(|set| serde_json::to_string(&set.extra).unwrap())
}

#[test]
fn the_grammar_is_one_flat_object() {
    for (fields, expected) in [
        ("}", "{}"),
        (",x:1}", r#"{"x":1}"#),
        (" ,\r\n\t_x$9 : -1.5e3 }\n", r#"{"_x$9":-1500.0}"#),
        (
            r#","quoted key":true,y:false,z:null}"#,
            r#"{"quoted key":true,"y":false,"z":null}"#,
        ),
        (r#",x:"a\"b, code: \\"}"#, r#"{"x":"a\"b, code: \\"}"#),
        (r#",x:"\u00e9é{}[]"}"#, r#"{"x":"éé{}[]"}"#),
    ] {
        assert_eq!(read(fields).as_deref(), Some(expected), "{fields}");
    }
}

#[test]
fn q9_other_syntax_is_refused() {
    for fields in [
        "",
        ",}",
        ", x:1,}",
        ",x}",
        ",x:}",
        ",x:1",
        ",x:bare}",
        ",x:'single'}",
        ",x:01}",
        ",x:+1}",
        ",x:1 2}",
        ",x:{}}",
        ",x:[]}",
        ",9x:1}",
        ",x y:1}",
        ",:1}",
        ",x:1,x:2}",
        ",access_token:\"b\"}",
        "} {",
        "}x",
        "}}",
        ",x:\"open}",
        ",x:\"bad \\q\"}",
        ",x:\"line\nbreak\"}",
        ",x:NaN}",
        ",x:Infinity}",
        " x:1}",
        ",x=1}",
        "//c\n}",
    ] {
        assert_eq!(read(fields), None, "{fields}");
    }
}

#[test]
fn the_loose_grammar_is_off_by_default() {
    let body = response(200, &[], "{access_token: \"a\"}");
    let refusal = client()
        .read_token_response(GrantType::AuthorizationCode, &body, sent_at())
        .unwrap_err();
    assert_eq!(refusal.class, Class::Ambiguous);
}
