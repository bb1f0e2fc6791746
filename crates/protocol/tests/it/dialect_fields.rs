//! Every field of a dialect changes a request or the meaning of a response: an unused field is a
//! defect.

use serde_json::{Value, json};
use tokenkeeper_protocol::{
    AuthorizationRequest, Client, Dialect, ExpectedRedirect, GrantType, LoginData, Pkce, Provider,
    Redirect, RedirectUri, TokenSet, http::StatusCode,
};

use crate::{schema, support::*};

/// A field, another value for it, and further fields that both sides of the comparison need.
const FIELDS: &[(&str, &str, &str)] = &[
    ("/brand", r#""other""#, "{}"),
    ("/base", r#""https://other.example""#, "{}"),
    (
        "/site",
        r#""https://{account}.example.com""#,
        r#"{
            "/base": null,
            "/site": "https://{account}.example.org",
            "/values": {"account":{"pattern":"label","default":"acme"}},
            "/token/fixed": {"account":"{account}"}
        }"#,
    ),
    (
        "/values",
        r#"{"account":{"pattern":"label","default":"acme"}}"#,
        r#"{
            "/values": {"account":{"pattern":"label","default":"globex"}},
            "/token/fixed": {"account":"{account}"}
        }"#,
    ),
    ("/api_origins", r#"["https://api.example"]"#, "{}"),
    (
        "/api_origins_from",
        r#"[{"field":"instance_url","below":["example.com"]}]"#,
        "{}",
    ),
    ("/attach", r#"{"header":"x-token"}"#, "{}"),
    ("/api_headers", r#"{"x-version":"1"}"#, "{}"),
    (
        "/authorization/endpoint",
        r#""https://elsewhere.example/a""#,
        "{}",
    ),
    (
        "/authorization/parameters",
        r#"["client_id","response_type","redirect_uri","state"]"#,
        "{}",
    ),
    ("/authorization/fixed", r#"{"prompt":"consent"}"#, "{}"),
    ("/authorization/scope", r#""s""#, "{}"),
    (
        "/authorization/scope_separator",
        r#"",""#,
        r#"{"/authorization/scope":"a b"}"#,
    ),
    (
        "/authorization/further_scopes",
        r#"{"user_scope":"u"}"#,
        "{}",
    ),
    ("/authorization/fragment", r#""/login""#, "{}"),
    (
        "/authorization/state",
        r#"{"redirect_uri":"flow"}"#,
        r#"{"/authorization/redirect_rule":"extra_query"}"#,
    ),
    ("/authorization/state_echo", r#""never""#, "{}"),
    ("/authorization/response_mode", r#""fragment""#, "{}"),
    (
        "/authorization/callback/code",
        r#""c""#,
        r#"{"/authorization/callback":{}}"#,
    ),
    (
        "/authorization/callback/error",
        r#""e""#,
        r#"{"/authorization/callback":{}}"#,
    ),
    (
        "/authorization/callback/state",
        r#""s""#,
        r#"{"/authorization/callback":{}}"#,
    ),
    ("/authorization/redirect_rule", r#""extra_query""#, "{}"),
    ("/authorization/pkce", r#""off""#, "{}"),
    ("/authorization/issuer", r#""https://issuer.example""#, "{}"),
    ("/token/endpoint", r#""/t""#, "{}"),
    ("/token/refresh_endpoint", r#""/t""#, "{}"),
    (
        "/token/refresh_client_authentication",
        r#""parameters""#,
        "{}",
    ),
    ("/token/fixed", r#"{"resource":"r"}"#, "{}"),
    ("/token/code_fixed", r#"{"resource":"r"}"#, "{}"),
    ("/token/refresh_fixed", r#"{"resource":"r"}"#, "{}"),
    ("/token/headers", r#"{"x-key":"k"}"#, "{}"),
    (
        "/token/placement",
        r#""headers""#,
        r#"{
            "/authorization/pkce": "off",
            "/token/code": ["a: code"],
            "/token/refresh": ["a: refresh_token"]
        }"#,
    ),
    (
        "/token/content_type",
        r#""application/x-www-form-urlencoded;charset=UTF-8""#,
        "{}",
    ),
    ("/token/accept", r#""*/*""#, "{}"),
    ("/token/client_authentication", r#""parameters""#, "{}"),
    (
        "/token/code",
        r#"["code","redirect_uri","grant_type"]"#,
        "{}",
    ),
    ("/token/refresh", r#"["rt: refresh_token"]"#, "{}"),
    ("/response/json", r#""loose""#, "{}"),
    ("/response/tokens_at", r#""data""#, "{}"),
    ("/response/refresh_tokens_at", r#""data""#, "{}"),
    (
        "/response/access_token_field",
        r#""data.access_token""#,
        "{}",
    ),
    (
        "/response/refresh_token_field",
        r#""data.refresh_token""#,
        "{}",
    ),
    ("/response/token_type_field", r#""data.token_type""#, "{}"),
    ("/response/scope_field", r#""data.scope""#, "{}"),
    ("/response/expiry_field", r#""expires""#, "{}"),
    ("/response/refresh_expiry_fields", r#"["expires"]"#, "{}"),
    ("/response/token_types", r#"["user"]"#, "{}"),
    ("/response/refresh_expiry", r#""milliseconds""#, "{}"),
    ("/response/scope_separator", r#"",""#, "{}"),
    ("/response/lifetime_when_absent", "7200", "{}"),
    ("/response/expiry", r#""milliseconds""#, "{}"),
    ("/errors/code", r#"["errorCode"]"#, "{}"),
    (
        "/errors/text",
        r#"["message"]"#,
        r#"{"/errors/map":[{"text":"gone","class":"terminal"}]}"#,
    ),
    (
        "/errors/map",
        r#"[{"error":"odd","class":"terminal"}]"#,
        "{}",
    ),
    ("/refresh/keep_when_absent", "false", "{}"),
    ("/refresh/old_access_token", r#""invalidated""#, "{}"),
    ("/refresh/lifetime", r#""as_access_token""#, "{}"),
    ("/refresh/keep_alive_share", "0.25", "{}"),
    ("/refresh/grace_seconds", "30", "{}"),
    ("/refresh/not_before", "30", "{}"),
    ("/resource/rejected", "[403]", "{}"),
    ("/resource/rate_limit/limit", r#""x-limit""#, "{}"),
    ("/resource/rate_limit/remaining", r#""x-remaining""#, "{}"),
    ("/resource/rate_limit/reset", r#""x-reset""#, "{}"),
    ("/device/endpoint", r#""/d""#, "{}"),
    ("/device/fixed", r#"{"audience":"a"}"#, "{}"),
    ("/revocation/endpoint", r#""/r""#, "{}"),
    (
        "/revocation/method",
        r#""get""#,
        r#"{"/revocation/token":"bearer"}"#,
    ),
    ("/revocation/token", r#"{"header":"x-token"}"#, "{}"),
    ("/revocation/tokens", r#"["access_token"]"#, "{}"),
    ("/revocation/reaches", r#""authorization""#, "{}"),
    (
        "/revocation/done_when",
        r#"[{"error":"invalid_token"}]"#,
        "{}",
    ),
    ("/introspection/endpoint", r#""/i""#, "{}"),
    (
        "/introspection/method",
        r#""get""#,
        r#"{"/introspection/token":"bearer"}"#,
    ),
    ("/introspection/token", r#"{"form":"t"}"#, "{}"),
];

#[test]
fn every_field_changes_an_outcome() {
    let plain = serde_json::to_value(dialect()).unwrap();
    for (field, value, further) in FIELDS {
        let mut before = plain.clone();
        let further: serde_json::Map<String, Value> = serde_json::from_str(further).unwrap();
        for (field, value) in further {
            set(&mut before, &field, value);
        }
        let mut after = before.clone();
        set(&mut after, field, serde_json::from_str(value).unwrap());
        assert_ne!(outcome(&before), outcome(&after), "{field} changes nothing");
    }
}

fn set(dialect: &mut Value, field: &str, value: Value) {
    let (section, name) = field.rsplit_once('/').unwrap();
    let section = dialect.pointer_mut(section).unwrap();
    section[name] = value;
}

#[test]
fn no_field_is_left_out_of_the_list() {
    let all = schema::of_dialect().fields;
    let is_section = |field: &str| {
        let section = format!("{field}.");
        let mut below = all.iter().filter_map(|other| other.strip_prefix(&section));
        below.any(|member| !member.starts_with('*'))
    };
    let mut fields: Vec<_> = all
        .iter()
        // The members of items are for the tests of their lists.
        .filter(|field| !field.contains(['[', '*']) && !is_section(field))
        .map(|field| format!("/{}", field.replace('.', "/")))
        .collect();
    let mut listed: Vec<String> = FIELDS
        .iter()
        .map(|(field, ..)| (*field).to_owned())
        .collect();
    fields.sort();
    listed.sort();
    assert_eq!(fields, listed);
}

#[test]
fn each_criterion_of_an_error_rule_decides() {
    let outcome = |rule: Value| {
        let mut dialect = serde_json::to_value(dialect()).unwrap();
        dialect["errors"]["map"] = json!([rule]);
        outcome(&dialect)
    };
    let plain = json!({"error": "odd", "class": "terminal"});
    for (field, value) in [
        ("grant_type", json!("authorization_code")),
        ("status", json!(418)),
        ("error", json!("other")),
        ("text", json!("never said")),
        ("at", json!("errorCode")),
        ("class", json!("configuration")),
    ] {
        let mut rule = plain.clone();
        rule[field] = value;
        assert_ne!(outcome(plain.clone()), outcome(rule), "{field}");
    }
    let empty =
        |without_code| json!({"status": 400, "without_code": without_code, "class": "terminal"});
    assert_ne!(outcome(empty(false)), outcome(empty(true)), "without_code");
}

/// Returns everything that a client sends and reads, as text.
fn outcome(dialect: &Value) -> Vec<String> {
    let dialect = Dialect::from_json(&dialect.to_string()).unwrap();
    let client = dialect.with(registration()).unwrap();
    let mut all = Vec::new();
    requests(&client, &mut all);
    responses(&client, &mut all);
    policies(&client, &mut all);
    all
}

fn requests(client: &Client, all: &mut Vec<String>) {
    let (site, state) = (client.site(None).unwrap(), state());
    let extended = RedirectUri::new("https://app.example/cb?x=1");
    for redirect_uri in [client.redirect_uri(&state), extended] {
        let code_challenge = (client.dialect().pkce() == Pkce::S256).then_some("ch");
        let request = AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope: None,
            code_challenge,
            extra: &[],
        };
        all.push(format!(
            "{:?}",
            client.authorization_url(&site, &request).map(String::from)
        ));
    }
    all.push(show(
        &client.token_request(&site, &code_grant(&code())).unwrap(),
    ));
    all.push(show(
        &client
            .token_request(&site, &refresh_grant(&refresh_token()))
            .unwrap(),
    ));
    let device = client.device_authorization_request(&site, &Default::default());
    all.extend(device.unwrap().iter().map(show));
    let tokens = TokenSet::new("at").with_refresh_token("rt");
    all.extend(
        client
            .revocation_requests(&site, &tokens)
            .unwrap()
            .iter()
            .map(show),
    );
    all.extend(
        client
            .introspection_request(&site, &access_token())
            .unwrap()
            .iter()
            .map(show),
    );
    for token_type in [None, Some("user")] {
        let attached = client.attach(&access_token(), token_type);
        all.push(format!("{:?}", attached.as_ref().map(show_attachment)));
    }
    let login = LoginData::default().with_member("instance_url", json!("https://eu.example.com/"));
    all.push(format!("{:?}", client.api_origins(&site, &login)));
}

fn responses(client: &Client, all: &mut Vec<String>) {
    for text in [
        "code=c&state=st-1&flow=st-1",
        "code=c",
        "code=c&state=st-1&iss=x",
        "code=c&state=x",
        "error=access_denied&state=st-1",
    ] {
        let read =
            |redirect| client.read_redirect(&redirect, &ExpectedRedirect { state: &state() });
        all.push(format!(
            "{:?} {:?}",
            read(Redirect::query(text)),
            read(Redirect::fragment(text))
        ));
    }
    for (status, body) in [
        (
            200,
            r#"{"access_token":"a","expires_in":3600,"expires":60}"#,
        ),
        (200, r#"{access_token:"a"}"#),
        (
            200,
            r#"{"access_token":"a","scope":"x,y","refresh_expires_in":60000}"#,
        ),
        (
            200,
            r#"{"access_token":"a","data":{"access_token":"b","refresh_token":"c",
                "token_type":"d","scope":"e"}}"#,
        ),
        (200, r#"{"error":"invalid_grant"}"#),
        (
            400,
            r#"{"error":"odd","errorCode":"invalid_grant","error_description":"it is gone"}"#,
        ),
    ] {
        for grant_type in [GrantType::AuthorizationCode, GrantType::RefreshToken] {
            let response = response(status, &[], body);
            let read = client.read_token_response(grant_type, &response, sent_at());
            let text = read.map(|tokens| serde_json::to_string(&tokens).unwrap());
            all.push(format!("{text:?}"));
        }
    }
    all.push(format!(
        "{:?}",
        client.read_revocation_response(&response(400, &[], r#"{"error":"invalid_token"}"#))
    ));
    let headers = [("x-limit", "3"), ("x-remaining", "2"), ("x-reset", "1")];
    all.push(format!(
        "{:?}",
        client.rate_limit(response(200, &headers, "").headers())
    ));
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        all.push(format!(
            "{:?}",
            client.read_resource_response(status, &Default::default())
        ));
    }
}

/// The policies, which the engine applies.
fn policies(client: &Client, all: &mut Vec<String>) {
    let dialect = client.dialect();
    all.push(format!(
        "{} {} {:?} {:?} {} {:?} {:?} {:?}",
        client.brand(),
        dialect.keeps_refresh_token_when_absent(),
        dialect.old_access_token(),
        dialect.refresh_token_lifetime(),
        dialect.keep_alive_share(),
        dialect.grace(),
        dialect.not_before(),
        dialect.revocation_reaches(),
    ));
}
