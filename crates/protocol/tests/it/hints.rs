//! A refusal names the field of the dialect that would help.

use tokenkeeper_protocol::{
    ClassName, Client, ClientAuthentication, Dialect, ErrorRule, GrantType, Hint, Json, Provider,
    Refusal, Registration,
};

use crate::support::*;

fn refusal(client: &Client, status: u16, body: &str) -> Refusal {
    let response = response(status, &[], body.to_owned());
    client
        .read_token_response(GrantType::AuthorizationCode, &response, sent_at())
        .unwrap_err()
}

/// Returns the dialect's field that a refusal names, as its text shows it.
fn field(client: &Client, status: u16, body: &str) -> Option<&'static str> {
    let refusal = refusal(client, status, body);
    let field = refusal.hint?.field();
    let text = refusal.to_string();
    assert!(field.is_none_or(|field| text.contains(field)), "{text}");
    field
}

fn secret(secret: &str, change: impl FnOnce(&mut Dialect)) -> Client {
    let mut dialect = dialect();
    change(&mut dialect);
    dialect
        .with(Registration::new("id", CALLBACK).secret(secret))
        .unwrap()
}

#[test]
fn a_refusal_says_what_came_and_what_would_help() {
    let headers = [("content-type", "application/json; charset=utf-8")];
    let response = response(400, &headers, r#"{"error":"bad_refresh_token"}"#);
    let read = client().read_token_response(GrantType::RefreshToken, &response, sent_at());
    assert_eq!(
        read.unwrap_err().to_string(),
        "the token endpoint refused without a usable reason (400, an unlisted error code, \
         application/json, 29 bytes): if the provider documents the code, name it in the \
         dialect's `errors.map`"
    );
    assert_eq!(
        refusal(&client(), 200, "<html></html>").to_string(),
        "the token endpoint sent no readable response (200, 13 bytes): check the dialect's \
         `token.endpoint`, which may be another page"
    );
    assert_eq!(
        refusal(&client(), 400, r#"{"error":"invalid_grant"}"#).to_string(),
        "the token endpoint refused the grant (400, invalid_grant, 25 bytes): authorize again"
    );
}

#[test]
fn a_refused_client_leads_to_its_authentication() {
    let invalid = r#"{"error":"invalid_client"}"#;
    let value = |client: &Client, body| match refusal(client, 401, body).hint {
        Some(Hint::ClientAuthentication { value, .. }) if !body.is_empty() => value,
        Some(Hint::ClientOrGrant { value, .. }) if body.is_empty() => value,
        hint => panic!("{hint:?}"),
    };
    for body in [invalid, ""] {
        assert_eq!(value(&secret("plain", |_| ()), body), "parameters");
        for odd in ["a+b", "a/b=", "a b", "a%b", "a:b", "a~b"] {
            assert_eq!(
                value(&secret(odd, |_| ()), body),
                "basic_unencoded",
                "{odd}"
            );
        }
        let parameters = secret("a+b", |d| {
            d.token.client_authentication = ClientAuthentication::Parameters;
        });
        assert_eq!(value(&parameters, body), "basic");
        let none = secret("a", |d| {
            d.token.client_authentication = ClientAuthentication::None;
        });
        assert_eq!(value(&none, body), "parameters");
    }
    let mut public = dialect();
    public.token.client_authentication = ClientAuthentication::None;
    let public = public.with(Registration::new("id", CALLBACK)).unwrap();
    assert_eq!(refusal(&public, 401, invalid).hint, None);
    assert_eq!(refusal(&public, 401, "").hint, Some(Hint::NoCode));
    let at_refresh = client().read_token_response(
        GrantType::RefreshToken,
        &response(401, &[], invalid),
        sent_at(),
    );
    let at_refresh = at_refresh.unwrap_err().hint.unwrap().field();
    assert_eq!(at_refresh, Some("token.refresh_client_authentication"));
    let basic = refusal(&secret("plain", |_| ()), 401, invalid).to_string();
    assert!(
        basic.contains(r#"`token.client_authentication = "parameters"`"#),
        "{basic}"
    );
}

#[test]
fn a_refused_body_leads_to_its_placement() {
    let says =
        |text: &str| format!(r#"{{"error":"invalid_request","error_description":"{text}"}}"#);
    for (status, body) in [
        (415, String::new()),
        (415, "<html>".to_owned()),
        (400, says("The content-type must be application/json")),
        (400, says("Unsupported Media Type")),
        (400, says("Body should be a JSON object")),
    ] {
        let read = refusal(&client(), status, &body);
        let shown = read.to_string();
        assert!(shown.contains(r#"`token.placement = "json"`"#), "{shown}");
    }
    assert_eq!(
        refusal(&client(), 400, &says("The code is missing")).hint,
        None
    );
}

#[test]
fn tokens_elsewhere_lead_to_their_path() {
    let at = |body: &str| match refusal(&client(), 200, body).hint {
        Some(Hint::TokensAt { path }) => path,
        hint => panic!("{hint:?}"),
    };
    assert_eq!(
        at(r#"{"code":200,"data":{"access_token":"a"}}"#),
        Some("data")
    );
    assert_eq!(
        at(r#"{"authed_user":{"access_token":"a"}}"#),
        Some("authed_user")
    );
    assert_eq!(at(r#"{"anything":{"access_token":"a"}}"#), None);
    assert_eq!(at(r#"{"data":{"data":{"access_token":"a"}}}"#), None);
    for (body, name) in [
        (r#"{"accessToken":"a"}"#, "accessToken"),
        (r#"{"token":"a","expires":1}"#, "token"),
    ] {
        let hint = refusal(&client(), 200, body).hint;
        assert_eq!(hint, Some(Hint::AccessTokenField { name }));
    }
    for body in [
        r#"{"data":{"access_token":7}}"#,
        r#"{"token":""}"#,
        "{}",
        "[]",
        "x",
    ] {
        assert_eq!(refusal(&client(), 200, body).hint, None, "{body}");
    }
}

#[test]
fn other_responses_lead_to_their_field() {
    let plain = client();
    assert_eq!(field(&plain, 400, ""), Some("errors.map"));
    assert_eq!(field(&plain, 403, "<html>"), Some("errors.map"));
    assert_eq!(field(&plain, 400, r#"{"code":20037}"#), Some("errors.map"));
    assert_eq!(field(&plain, 404, "<html>"), Some("token.endpoint"));
    assert_eq!(field(&plain, 405, ""), Some("token.endpoint"));
    assert_eq!(field(&plain, 302, ""), Some("token.endpoint"));
    assert_eq!(
        field(&plain, 200, "{access_token: \"a\"}"),
        Some("response.json")
    );
    let loose = with(|d| d.response.json = Json::Loose);
    assert_eq!(field(&loose, 200, "{access_token: {}}"), None);
    for (status, body) in [
        (429, ""),
        (500, "<html>"),
        (400, r#"{"error":"invalid_grant"}"#),
        (400, r#"{"error":"invalid_scope"}"#),
    ] {
        assert_eq!(refusal(&plain, status, body).hint, None, "{status} {body}");
    }
    // A rule of the dialect has the last word.
    let ruled = with(|d| {
        d.errors.map = vec![ErrorRule::without_code(400, ClassName::Unexplained)];
    });
    assert_eq!(refusal(&ruled, 400, "").hint, None);
}

#[test]
fn a_code_at_another_path_leads_to_errors_code() {
    for (status, body, path) in [
        (
            400,
            r#"{"errors":[{"code":"invalid_grant"}]}"#,
            Some("errors.0.code"),
        ),
        (
            401,
            r#"{"errors":[{"code":"invalid_grant"}]}"#,
            Some("errors.0.code"),
        ),
        (
            400,
            r#"{"error":{"type":"invalid_grant"}}"#,
            Some("error.type"),
        ),
        (400, r#"{"error_code":"invalid_grant"}"#, Some("error_code")),
        (400, r#"{"errorCode":"REVOKED"}"#, Some("errorCode")),
        (400, r#"{"error":["invalid_grant"]}"#, Some("error.0")),
        (200, r#"{"error":["invalid_grant"]}"#, Some("error.0")),
        (400, r#"{"Error":"invalid_grant"}"#, Some("Error")),
        (
            200,
            r#"{"errcode":40030,"errmsg":"invalid refresh_token"}"#,
            Some("errcode"),
        ),
        (200, r#"{"code":"invalid_grant"}"#, Some("code")),
        (
            400,
            r#"{"error":"Oops","errors":[{"code":"invalid_grant"}]}"#,
            Some("errors.0.code"),
        ),
        (400, r#"{"odd":{"place":["invalid_grant"]}}"#, None),
    ] {
        let refusal = refusal(&client(), status, body);
        assert_eq!(refusal.hint, Some(Hint::CodeAt { path }), "{body}");
        let shown = refusal.to_string();
        assert!(shown.contains("`errors.code`"), "{shown}");
    }
    for (body, field) in [
        (r#"{"message":"invalid_grant: gone"}"#, "errors.map"),
        (r#"{"error":{"type":"about a thing"}}"#, "errors.map"),
        (r#"{"errcode":0}"#, "errors.map"),
    ] {
        let refusal = refusal(&client(), 400, body);
        assert_eq!(refusal.hint.and_then(|h| h.field()), Some(field), "{body}");
    }
}

#[test]
fn a_401_without_a_code_does_not_blame_the_client_alone() {
    for body in ["", "<html>", r#"{"message":"refresh token expired"}"#] {
        let shown = refusal(&client(), 401, body).to_string();
        for part in [
            "`without_code`",
            "`errors.map`",
            "`token.client_authentication = ",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
