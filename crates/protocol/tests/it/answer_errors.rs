//! Error codes wherever servers put them, and what is shown of them.

use tokenkeeper_protocol::{
    Class, ClassName, Client, ErrorCode, ErrorRule, GrantType, Hint, Provider, Refusal,
};

use crate::support::*;

const SECRET: &str = "rt-0123456789abcdef";

fn refusal(client: &Client, status: u16, body: &str) -> Refusal {
    refusal_at(client, GrantType::RefreshToken, status, body)
}

fn refusal_at(client: &Client, grant_type: GrantType, status: u16, body: &str) -> Refusal {
    let response = response(status, &[], body.to_owned());
    let read = client.read_token_response(grant_type, &response, sent_at());
    read.unwrap_err()
}

fn rules(rules: Vec<ErrorRule>) -> Client {
    with(|d| d.errors.map = rules)
}

fn rule(error: &str, change: impl FnOnce(&mut ErrorRule)) -> ErrorRule {
    let mut rule = ErrorRule::new(error, ClassName::Terminal);
    change(&mut rule);
    rule
}

#[test]
fn a_code_is_found_at_a_path_as_a_string_or_an_integer() {
    let named = rules(
        ["refresh_token_reused", "20037", "-1", "e"]
            .map(|code| rule(code, |_| ()))
            .into(),
    );
    for (status, body) in [
        (
            401,
            r#"{"error":{"message":"…","type":"invalid_request_error","param":null,
                "code":"refresh_token_reused"}}"#,
        ),
        (400, r#"{"code":20037,"msg":"…"}"#),
        (200, r#"{"code":20037,"msg":"…"}"#),
        (400, r#"{"code":"20037"}"#),
        (400, r#"{"error":20037}"#),
        (400, r#"{"error":{"code":-1}}"#),
        (400, r#"{"error":null,"code":"e"}"#),
        (400, r#"{"error":"e","code":400}"#),
        (400, "{\"error\":\"e\",\"name\":\"Jos\u{e9}\"}"),
    ] {
        assert_eq!(
            refusal(&named, status, body).class,
            Class::Terminal,
            "{body}"
        );
        let plain = refusal(&client(), status, body);
        assert_ne!(plain.class, Class::Terminal, "{body}");
        // `code` alone may be a status.
        let class = match status {
            200 => Class::Ambiguous,
            _ => Class::Unexplained,
        };
        let expected = (class, Some(Hint::UnlistedCode));
        assert_eq!((plain.class, plain.hint), expected, "{body}");
    }
}

#[test]
fn what_is_no_code_is_not_taken_for_one() {
    for error in [
        "null", "false", "true", "0", "\"\"", "{}", "[]", "[\"e\"]", "1.5", "1e3",
    ] {
        let read = refusal(&client(), 400, &format!(r#"{{"error":{error}}}"#));
        assert_eq!(
            (read.class, read.code),
            (Class::Unexplained, None),
            "{error}"
        );
    }
    // Which of two codes counts is unknown, so none ends the account.
    let twice = r#"{"error":"invalid_grant","error":"server_error"}"#;
    assert_eq!(refusal(&client(), 400, twice).class, Class::Unexplained);
    let same = r#"{"error":"invalid_grant","error":"invalid_grant"}"#;
    assert_eq!(refusal(&client(), 400, same).class, Class::Terminal);
}

#[test]
fn a_2xx_with_an_error_and_no_token_is_a_refusal() {
    let github = r#"{"error":"bad_refresh_token","error_description":"The refresh token …"}"#;
    for (body, class) in [
        (github, Class::Unexplained),
        (r#"{"error":"invalid_grant"}"#, Class::Terminal),
        (
            r#"{"error":"invalid_grant","access_token":null}"#,
            Class::Terminal,
        ),
        (
            r#"{"error":"invalid_grant","access_token":""}"#,
            Class::Terminal,
        ),
        (r#"{"error":{"code":"invalid_grant"}}"#, Class::Terminal),
        (r#"{"error":"invalid_client"}"#, Class::Configuration),
        (
            r#"{"ok":false,"error":"invalid_refresh_token"}"#,
            Class::Unexplained,
        ),
        (r#"{"error":true}"#, Class::Unexplained),
        (r#"{"error":null}"#, Class::Ambiguous),
        (r#"{"error":false}"#, Class::Ambiguous),
        (r#"{"error":0}"#, Class::Ambiguous),
        (r#"{"error":""}"#, Class::Ambiguous),
        (r#"{"error":{}}"#, Class::Ambiguous),
        // `code` is often a status.
        (r#"{"code":200,"data":{}}"#, Class::Ambiguous),
    ] {
        assert_eq!(refusal(&client(), 200, body).class, class, "{body}");
    }
    let listed = with(|d| d.errors.code = vec!["code".to_owned()]);
    assert_eq!(
        refusal(&listed, 200, r#"{"code":20037}"#).class,
        Class::Unexplained
    );
    assert_eq!(
        refusal(&listed, 200, r#"{"code":0}"#).class,
        Class::Ambiguous
    );
}

#[test]
fn a_number_in_a_path_selects_an_element() {
    let client = with(|d| d.errors.code = vec!["errors.1.code".to_owned()]);
    for (body, class) in [
        (
            r#"{"errors":[{"code":"invalid_client"},{"code":"invalid_grant"}]}"#,
            Class::Terminal,
        ),
        (
            r#"{"errors":[{"code":"invalid_grant"}]}"#,
            Class::Unexplained,
        ),
        (
            r#"{"errors":[0,{"code":"invalid_grant"}]}"#,
            Class::Terminal,
        ),
        (
            r#"{"errors":{"1":{"code":"invalid_grant"}}}"#,
            Class::Terminal,
        ),
        (r#"{"errors":"invalid_grant"}"#, Class::Unexplained),
    ] {
        assert_eq!(refusal(&client, 400, body).class, class, "{body}");
    }
}

#[test]
fn a_form_may_hold_an_error() {
    let form = [(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    )];
    let body = "error=invalid_grant&error_description=The+code+passed+is+incorrect";
    for headers in [&form[..], &[], &[("content-type", "text/plain")]] {
        for status in [200, 400] {
            let response = response(status, headers, body);
            let read = client().read_token_response(GrantType::RefreshToken, &response, sent_at());
            assert_eq!(read.unwrap_err().class, Class::Terminal, "{headers:?}");
        }
    }
    let html = response(400, &[("content-type", "text/html")], body);
    let read = client().read_token_response(GrantType::RefreshToken, &html, sent_at());
    assert_eq!(read.unwrap_err().class, Class::Unexplained);
}

#[test]
fn a_rule_names_the_path_of_its_code() {
    let at = |path: &str| {
        let path = Some(path.to_owned());
        rules(vec![rule("gone", |rule| rule.at = path)])
    };
    let body = r#"{"error":"invalid_request","detail":{"reason":"gone"}}"#;
    assert_eq!(
        refusal(&at("detail.reason"), 400, body).class,
        Class::Terminal
    );
    assert_eq!(refusal(&at("detail"), 400, body).class, Class::Unexplained);
    assert_eq!(refusal(&at("error"), 400, body).class, Class::Unexplained);
    assert_eq!(
        refusal(&at("detail.reason"), 400, "").class,
        Class::Unexplained
    );
    let shown = refusal(&at("detail.reason"), 400, body).code;
    assert_eq!(shown.unwrap().as_str(), Some("gone"));
}

#[test]
fn a_rule_for_no_code_does_not_match_a_proxys_page() {
    let client = rules(vec![ErrorRule::without_code(400, ClassName::Terminal)]);
    for body in ["", " \n", "{}", r#"{"message":"no"}"#, r#"{"error":null}"#] {
        assert_eq!(refusal(&client, 400, body).class, Class::Terminal, "{body}");
        assert_ne!(refusal(&client, 401, body).class, Class::Terminal, "{body}");
        assert_ne!(refusal(&client, 502, body).class, Class::Terminal, "{body}");
    }
    for body in ["<html></html>", "Bad Request", r#"{"error":"e"}"#, "[]"] {
        assert_eq!(
            refusal(&client, 400, body).class,
            Class::Unexplained,
            "{body}"
        );
    }
}

#[test]
fn unauthorized_client_is_about_the_client_without_a_rule() {
    let body = r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#;
    let plain = refusal(&client(), 403, body);
    assert_eq!(plain.class, Class::Configuration);
    assert_eq!(plain.hint, Some(Hint::ClientOrToken));
    let named = rules(vec![rule("unauthorized_client", |rule| {
        rule.grant_type = Some(GrantType::RefreshToken);
    })]);
    assert_eq!(refusal(&named, 403, body).class, Class::Terminal);
    let login = refusal_at(&named, GrantType::AuthorizationCode, 403, body);
    assert_eq!(login.class, Class::Configuration);
}

#[test]
fn a_rule_may_name_any_class_for_a_text_at_a_path() {
    for (class, expected) in [
        (ClassName::Transient, Class::Transient { retry_after: None }),
        (ClassName::Ambiguous, Class::Ambiguous),
        (ClassName::Terminal, Class::Terminal),
        (ClassName::Unexplained, Class::Unexplained),
        (ClassName::Configuration, Class::Configuration),
    ] {
        let client = with(|d| {
            let mut rule = ErrorRule::without_code(400, class);
            rule.without_code = false;
            rule.text = Some("has expired".to_owned());
            d.errors.map = vec![rule];
        });
        let body = r#"{"error":{"message":"Your token HAS EXPIRED"}}"#;
        assert_eq!(refusal(&client, 400, body).class, expected);
    }
}

#[test]
fn only_listed_codes_are_shown() {
    for code in [
        "invalid_grant",
        "unsupported_token_type",
        "slow_down",
        "use_dpop_nonce",
    ] {
        assert_eq!(ErrorCode::new(code).as_str(), Some(code));
    }
    for code in [
        "",
        "bad_refresh_token",
        "INVALID_GRANT",
        SECRET,
        "a b",
        "<script>",
    ] {
        assert_eq!(ErrorCode::new(code).as_str(), None);
        assert_eq!(ErrorCode::new(code).to_string(), "an unlisted error code");
    }
    let named = rules(vec![rule("bad_refresh_token", |_| ())]);
    let body = r#"{"error":"bad_refresh_token"}"#;
    let shown = refusal(&named, 400, body).code.unwrap();
    assert_eq!(shown.to_string(), "bad_refresh_token");
}

#[test]
fn nothing_of_a_response_is_shown_but_listed_values() {
    for body in [
        format!(r#"{{"error":"{SECRET}"}}"#),
        format!(r#"{{"error":{{"code":"{SECRET}","message":"{SECRET}"}}}}"#),
        format!(r#"{{"error":"invalid_grant","error_description":"{SECRET}"}}"#),
        format!(r#"{{"code":"{SECRET}"}}"#),
        format!(r#"{{"{SECRET}":{{"access_token":"{SECRET}"}}}}"#),
        format!("error={SECRET}"),
        format!("{{access_token:\"{SECRET}\"}}"),
        SECRET.to_owned(),
    ] {
        for status in [200, 302, 400, 401, 415, 429, 500] {
            for content_type in [SECRET, "text/html", &format!("application/{SECRET}")] {
                let headers = [("content-type", content_type), ("content-encoding", SECRET)];
                for headers in [&headers[..1], &headers[..]] {
                    let response = response(status, headers, body.clone());
                    let read =
                        client().read_token_response(GrantType::RefreshToken, &response, sent_at());
                    let refusal = read.unwrap_err();
                    let shown = format!("{refusal} {refusal:?}");
                    assert!(!shown.contains(SECRET), "{shown}");
                }
            }
        }
        let revoked = client().read_revocation_response(&response(400, &[], body.clone()));
        assert!(!format!("{revoked:?}").contains(SECRET), "{revoked:?}");
    }
}
