//! Tokens in nested objects, and under other names.

use serde_json::json;
use tokenkeeper_protocol::{Class, Client, GrantType, Provider};

use crate::{answers::*, support::*};

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
fn a_scope_is_read_back_to_spaces() {
    let client = with(|d| d.authorization.scope_separator = ",".to_owned());
    for scope in ["a,b", "a b", "a, b", " a,,b ", "a,b,"] {
        let body = format!(r#"{{"access_token":"a","scope":"{scope}"}}"#);
        let set = read_as(&client, &[], body).unwrap();
        assert_eq!(set.scope.as_deref(), Some("a b"), "{scope}");
    }
}

#[test]
fn responses_may_separate_scopes_by_another_character() {
    let github = with(|d| d.response.scope_separator = Some(",".to_owned()));
    let body = |scope: &str| format!(r#"{{"access_token":"a","scope":"{scope}"}}"#);
    for (scope, expected) in [("repo,gist", "repo gist"), ("a, b", "a b"), ("a b", "a b")] {
        let set = read_as(&github, &[], body(scope)).unwrap();
        assert_eq!(set.scope.as_deref(), Some(expected), "{scope}");
    }
    // RFC 6749 §3.3 allows commas inside a scope.
    let set = tokens(body("a,b  c"));
    assert_eq!(set.scope.as_deref(), Some("a,b c"));
    let commas = with(|d| {
        d.authorization.scope_separator = ",".to_owned();
        d.response.scope_separator = Some(" ".to_owned());
    });
    let set = read_as(&commas, &[], body("a,b c")).unwrap();
    assert_eq!(set.scope.as_deref(), Some("a,b c"));
    for wrong in ["", ", ", "a", "é", "\n"] {
        let read = client().adjust(|d| d.response.scope_separator = Some(wrong.to_owned()));
        let error = read.unwrap_err().to_string();
        assert!(error.contains("response.scope_separator"), "{error}");
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
