//! Token requests.

use tokenkeeper_protocol::{CodeVerifier, Grant, Registration, TokenSet};

use super::*;

const FORM: &str = "content-type: application/x-www-form-urlencoded\naccept: application/json\n";
/// The credentials `id` and `s+/~`, form-encoded.
const BASIC: &str = "authorization: Basic aWQ6cyUyQiUyRiU3RQ==\n";
const REFRESH: &str = "grant_type=refresh_token&refresh_token=rt%261";

#[test]
fn a_json_request_has_the_parameters_in_order() {
    let client = client(
        "token.placement = \"json\"\ntoken.client_authentication = \"parameters\"\n\
         token.code_fixed = { \"a\\\"b\" = \"c\" }",
    );
    assert_eq!(
        exchange(&client, None),
        "POST https://login.example/token\n\
         content-type: application/json\n\
         accept: application/json\n\
         content-length: 141\n\n\
         {\"grant_type\":\"authorization_code\",\"code\":\"c/1+2\",\
         \"redirect_uri\":\"https://app.example/cb\",\"client_id\":\"id\",\
         \"client_secret\":\"s+/~\",\"a\\\"b\":\"c\"}"
    );
}

#[test]
fn a_json_request_with_basic_has_no_client_in_its_body() {
    let client = client("token.placement = \"json\"");
    assert_eq!(
        refresh(&client, None),
        format!(
            "POST https://login.example/token\ncontent-type: application/json\n\
             accept: application/json\n{BASIC}content-length: 53\n\n\
             {{\"grant_type\":\"refresh_token\",\"refresh_token\":\"rt&1\"}}"
        )
    );
}

#[test]
fn a_request_in_the_query_has_no_body() {
    let client =
        client("token.placement = \"query\"\ntoken.client_authentication = \"parameters\"");
    assert_eq!(
        refresh(&client, None),
        format!(
            "POST https://login.example/token?{REFRESH}&client_id=id&client_secret=s%2B%2F%7E\n\
             accept: application/json\ncontent-length: 0\n\n"
        )
    );
}

#[test]
fn a_refresh_goes_to_its_own_endpoint() {
    let client = client(
        "token.refresh_endpoint = \"https://api.example/refresh\"\n\
         token.refresh = [\"refresh_token\"]",
    );
    assert!(exchange(&client, None).starts_with("POST https://login.example/token\n"));
    assert_eq!(
        refresh(&client, None),
        format!(
            "POST https://api.example/refresh\n{FORM}{BASIC}content-length: 20\n\n\
             refresh_token=rt%261"
        )
    );
}

#[test]
fn fixed_parameters_are_those_of_the_grant() {
    let client = client(
        "token.fixed = { resource = \"r\" }\n\
         token.code_fixed = { expiring = \"1\" }\n\
         token.refresh_fixed = { request = \"refresh\" }",
    );
    assert!(exchange(&client, None).ends_with("Fcb&resource=r&expiring=1"));
    assert!(refresh(&client, None).ends_with("=rt%261&resource=r&request=refresh"));
}

#[test]
fn fixed_parameters_can_be_headers() {
    let client = client(
        "token.placement = \"headers\"\ntoken.client_authentication = \"none\"\n\
         token.code = [\"x-code: code\", \"x-id: client_id\"]\n\
         token.refresh = [\"x-refresh: refresh_token\", \"x-id: client_id\"]\n\
         token.fixed = { x-version = \"2\" }",
    );
    assert_eq!(
        refresh(&client, None),
        "POST https://login.example/token\naccept: application/json\n\
         x-refresh: rt&1\nx-id: id\nx-version: 2\ncontent-length: 0\n\n"
    );
}

#[test]
fn basic_can_have_its_parts_as_they_are() {
    let client = client("token.client_authentication = \"basic_unencoded\"");
    // base64 of `id:s+/~`.
    let expected = format!("{FORM}authorization: Basic aWQ6cysvfg==\ncontent-length: 45\n\n");
    assert!(refresh(&client, None).ends_with(&format!("{expected}{REFRESH}")));
}

#[test]
fn basic_can_have_the_secret_as_user_name() {
    let registration = Registration::new("id", CALLBACK).secret("sk_1");
    let client = with(
        "token.client_authentication = \"basic_secret_only\"",
        registration,
    );
    // base64 of `sk_1:`.
    let expected = format!("{FORM}authorization: Basic c2tfMTo=\ncontent-length: 45\n\n");
    assert!(refresh(&client, None).ends_with(&format!("{expected}{REFRESH}")));
}

#[test]
fn a_colon_does_not_move_a_part_of_basic() {
    for (way, id, secret) in [
        ("basic_unencoded", "i:d", "s"),
        ("basic_secret_only", "id", "s:k"),
    ] {
        let lines = format!("token.client_authentication = \"{way}\"");
        let registration = Registration::new(id, CALLBACK).secret(secret);
        let refused = read(&lines).unwrap().with(registration).unwrap_err();
        assert!(refused.to_string().contains("colon"), "{way}: {refused}");
    }
}

#[test]
fn a_refresh_can_authenticate_in_another_way() {
    let client = client(
        "token.client_authentication = \"parameters\"\n\
         token.refresh_client_authentication = \"basic\"",
    );
    assert_eq!(
        exchange(&client, None),
        format!(
            "POST https://login.example/token\n{FORM}content-length: 126\n\n\
             grant_type=authorization_code&code=c%2F1%2B2\
             &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&client_id=id\
             &client_secret=s%2B%2F%7E"
        )
    );
    assert_eq!(
        refresh(&client, None),
        format!("POST https://login.example/token\n{FORM}{BASIC}content-length: 45\n\n{REFRESH}")
    );
}

#[test]
fn constant_headers_are_on_every_form() {
    let client = client(
        "token.headers = { x-api-key = \"{client_id}\", x-version = \"2\" }\n\
         revocation = { endpoint = \"/revoke\", tokens = [\"access_token\"] }",
    );
    let headers = format!("{FORM}x-api-key: id\nx-version: 2\n{BASIC}");
    assert_eq!(
        refresh(&client, None),
        format!("POST https://login.example/token\n{headers}content-length: 45\n\n{REFRESH}")
    );
    let site = client.site(None).unwrap();
    let requests = client.revocation_requests(&site, &TokenSet::new("at"));
    assert_eq!(
        requests.unwrap().iter().map(show).collect::<String>(),
        format!(
            "POST https://login.example/revoke\n{headers}content-length: 37\n\n\
             token=at&token_type_hint=access_token"
        )
    );
    // A value may be a key of the API.
    let request = client.token_request(&site, &refresh_grant(&refresh_token()));
    let request = request.unwrap();
    assert!(request.headers()["x-api-key"].is_sensitive());
    assert!(!request.headers()["x-version"].is_sensitive());
}

#[test]
fn a_dialect_can_ask_for_another_type_than_json() {
    let client = client("token.accept = \"*/*\"");
    assert!(refresh(&client, None).contains("\naccept: */*\n"));
}

#[test]
fn the_verifier_is_a_parameter_in_every_place() {
    let verifier = CodeVerifier::new("ver");
    let code = code();
    let grant = Grant::AuthorizationCode {
        code: &code,
        redirect_uri: CALLBACK,
        scope: None,
        code_verifier: Some(&verifier),
    };
    for (place, part) in [
        ("form", "&code_verifier=ver"),
        ("query", "&code_verifier=ver\n"),
        ("json", ",\"code_verifier\":\"ver\"}"),
    ] {
        let client = client(&format!("token.placement = \"{place}\""));
        let request = show_token_request(&client, None, &grant);
        assert!(request.contains(part), "{request}");
    }
}

#[test]
fn a_value_breaks_out_of_no_header() {
    let lines = "token.headers = { x-key = \"{key}\" }\n\
                 values = { key = { pattern = \"text\" } }";
    for value in ["a\r\nx: y", "a b", "é", "", "a\0"] {
        let registration = Registration::new("id", CALLBACK).secret("s");
        let refused = read(lines).unwrap().with(registration.value("key", value));
        assert!(matches!(refused, Err(Error::Value { .. })), "{value:?}");
    }
}
