//! The plain provider.

use std::time::Duration;

use base64::Engine as _;
use serde_json::json as value;
use tokenkeeper_emulator::{
    ClientAuthentication, DEFAULT_USER, Emulator, PlainOptions, RegisteredClient, Reuse,
};

use crate::support::{
    CALLBACK, Pairs, Requests, Vendor, bearer_header, body, client, error, exchange_form, form,
    form_request, frozen, get, get_with, json, location, query, set, text,
};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) const REQUESTS: Requests = Requests {
    authorize: "/authorize",
    token: "/token",
    api: "/api/me",
    authorization: &[
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("state", "s"),
    ],
    exchange: exchange_form,
    refresh,
    token_request: form_request,
    credential: bearer_header,
    read: query,
};

fn refresh(token: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("refresh_token", token),
    ]
}

/// The form of a revocation or an introspection.
fn about(token: &str) -> Pairs<'_> {
    vec![
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("token", token),
    ]
}

fn default() -> Vendor {
    plain(PlainOptions::default())
}

pub(crate) fn plain(options: PlainOptions) -> Vendor {
    let public = RegisteredClient::new("public").redirect_uri(CALLBACK);
    let builder = Emulator::plain().options(options).client(client());
    Vendor {
        emulator: builder.client(public).clock(frozen).in_process(),
        requests: REQUESTS,
    }
}

#[tokio::test]
async fn a_code_brings_tokens_with_the_granted_scope() {
    let vendor = default();
    let to = vendor.redirect(&[("scope", "a b"), ("approve", "1")]).await;
    assert_eq!(query(&to, "state").unwrap(), "s");
    assert_eq!(query(&to, "iss"), None);
    let tokens = json(&vendor.exchange(&query(&to, "code").unwrap()).await);
    assert_eq!(tokens["scope"], "a b");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(vendor.api(&text(&tokens, "access_token")).await, 200);

    let other_scope = [("scope", "a c")];
    let refresh_token = text(&tokens, "refresh_token");
    let refused = vendor.refresh_with(&refresh_token, &other_scope).await;
    assert_eq!(error(&refused), "invalid_scope");
}

#[tokio::test]
async fn a_reused_code_revokes_the_tokens_issued_for_it() {
    let vendor = default();
    let code = vendor.code().await;
    let tokens = json(&vendor.exchange(&code).await);
    assert_eq!(error(&vendor.exchange(&code).await), "invalid_grant");
    assert_eq!(vendor.api(&text(&tokens, "access_token")).await, 401);
    let refused = vendor.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!(error(&refused), "invalid_grant");
}

#[tokio::test]
async fn errors_go_to_the_redirect_uri_unless_it_is_wrong() {
    let vendor = plain(PlainOptions::default().issuer());
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert_eq!(query(&denied, "error").unwrap(), "access_denied");
    assert_eq!(query(&denied, "iss").unwrap(), vendor.base());
    let approved = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!(query(&approved, "iss").unwrap(), vendor.base());
    let wrong_type = vendor.redirect(&[("response_type", "token")]).await;
    let wrong_type = query(&wrong_type, "error").unwrap();
    assert_eq!(wrong_type, "unsupported_response_type");
    for wrong in [
        ("redirect_uri", "https://evil.test/"),
        ("client_id", "unknown"),
    ] {
        assert_eq!(vendor.authorize(&[wrong]).await.status(), 400, "{wrong:?}");
    }
}

#[tokio::test]
async fn pkce_binds_the_code_to_the_verifier() {
    let vendor = plain(PlainOptions::default().require_pkce());
    let without = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!(query(&without, "error").unwrap(), "invalid_request");
    let challenge = |method| {
        [
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", method),
            ("approve", "1"),
        ]
    };
    let plain = vendor.redirect(&challenge("plain")).await;
    assert!(query(&plain, "error").is_some());
    let s256 = vendor.redirect(&challenge("S256")).await;
    let code = query(&s256, "code").unwrap();
    assert_eq!(error(&vendor.exchange(&code).await), "invalid_grant");
    let wrong = VERIFIER.replace('d', "e");
    let wrong = vendor
        .exchange_with(&code, &[("code_verifier", &wrong)])
        .await;
    assert_eq!(error(&wrong), "invalid_grant");
    let right = vendor
        .exchange_with(&code, &[("code_verifier", VERIFIER)])
        .await;
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn a_public_client_needs_no_secret() {
    let vendor = default();
    let pairs = [
        ("response_type", "code"),
        ("client_id", "public"),
        ("approve", "1"),
    ];
    let to = location(&get(&vendor, "/authorize", &pairs).await);
    let code = query(&to, "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", &code),
    ];
    assert_eq!(vendor.token(&pairs).await.status(), 200);
}

#[tokio::test]
async fn client_authentication_is_basic_or_in_the_body() {
    // RFC 6749 §2.3.1: the parts are form-encoded before they are joined.
    let encoded = base64::engine::general_purpose::STANDARD.encode("app:s3%26cret");
    for (place, basic, body) in [
        (ClientAuthentication::Any, 200, 200),
        (ClientAuthentication::Basic, 200, 401),
        (ClientAuthentication::Body, 401, 200),
    ] {
        let vendor = plain(PlainOptions::default().client_authentication(place));
        let token = vendor.issue().refresh_token;
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", &token)];
        let mut request = form_request("/token", &pairs);
        set(&mut request, "authorization", &format!("Basic {encoded}"));
        let by_basic = vendor.send(request).await;
        assert_eq!(by_basic.status(), basic, "{place:?}");
        let by_body = vendor.refresh(&vendor.issue().refresh_token).await;
        assert_eq!(by_body.status(), body, "{place:?}");
        let challenged = by_body.headers().contains_key("www-authenticate");
        assert_eq!(challenged, body == 401);
    }
}

#[tokio::test]
async fn without_rotation_the_refresh_token_stays() {
    let vendor = plain(PlainOptions::default().refresh_token_stays());
    let tokens = vendor.issue();
    for _ in 0..2 {
        let new = json(&vendor.refresh(&tokens.refresh_token).await);
        assert_eq!(text(&new, "refresh_token"), tokens.refresh_token);
    }
    assert_eq!(vendor.api(&tokens.access_token).await, 200);
    assert_eq!(vendor.counters().presented_after_answer(), 0);
}

#[tokio::test]
async fn without_rotation_the_refresh_token_may_be_omitted() {
    let options = PlainOptions::default().omit_refresh_token();
    let vendor = plain(options.access_token_dies_at_refresh());
    let tokens = vendor.issue();
    let one = json(&vendor.refresh(&tokens.refresh_token).await);
    assert!(one.get("refresh_token").is_none());
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    let two = json(&vendor.refresh(&tokens.refresh_token).await);
    assert_eq!(vendor.api(&text(&one, "access_token")).await, 401);
    assert_eq!(vendor.api(&text(&two, "access_token")).await, 200);
}

#[tokio::test]
async fn reuse_is_refused_and_may_revoke_the_family() {
    for (reuse, survives) in [(Reuse::Refuse, true), (Reuse::RevokeFamily, false)] {
        let vendor = plain(PlainOptions::default().reuse(reuse));
        let token = vendor.issue().refresh_token;
        let new = json(&vendor.refresh(&token).await);
        assert_eq!(error(&vendor.refresh(&token).await), "invalid_grant");
        let alive = vendor.api(&text(&new, "access_token")).await == 200;
        assert_eq!(alive, survives);
        let next = vendor.refresh(&text(&new, "refresh_token")).await;
        assert_eq!(next.status() == 200, survives);
    }
}

#[tokio::test]
async fn reuse_within_a_grace_period_returns_a_pair() {
    let grace = Duration::from_secs(60);
    for (reuse, same) in [
        (Reuse::SamePair(grace), true),
        (Reuse::FreshPair(grace), false),
    ] {
        let vendor = plain(PlainOptions::default().reuse(reuse));
        let token = vendor.issue().refresh_token;
        let first = json(&vendor.refresh(&token).await);
        vendor.advance(Duration::from_secs(59));
        let second = json(&vendor.refresh(&token).await);
        assert_eq!(first["access_token"] == second["access_token"], same);
        assert_eq!(first["refresh_token"] == second["refresh_token"], same);
        assert_eq!(second["expires_in"].as_u64().unwrap() < 3600, same);
        assert_eq!(vendor.api(&text(&first, "access_token")).await, 200);
        assert_eq!(vendor.api(&text(&second, "access_token")).await, 200);
        vendor.advance(Duration::from_secs(2));
        assert_eq!(error(&vendor.refresh(&token).await), "invalid_grant");
        assert_eq!(vendor.api(&text(&second, "access_token")).await, 401);
    }
}

#[tokio::test]
async fn errors_may_have_the_status_200_and_no_expiry() {
    let vendor = plain(PlainOptions::default().errors_in_200().omit_expires_in());
    let refused = vendor.refresh("unknown").await;
    assert_eq!(refused.status(), 200);
    assert_eq!(error(&refused), "invalid_grant");
    assert_eq!(vendor.counters().outcomes("invalid_grant"), 1);
    let tokens = json(&vendor.refresh(&vendor.issue().refresh_token).await);
    assert!(tokens.get("expires_in").is_none());
}

#[tokio::test]
async fn a_revocation_ends_the_grant_or_only_an_access_token() {
    let vendor = default();
    let tokens = vendor.issue();
    let revoke = async |token: &str| form(&vendor, "/revoke", &about(token)).await.status();
    assert_eq!(revoke("unknown").await, 200);
    assert_eq!(revoke(&tokens.access_token).await, 200);
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    let new = json(&vendor.refresh(&tokens.refresh_token).await);
    assert_eq!(revoke(&text(&new, "refresh_token")).await, 200);
    assert_eq!(vendor.api(&text(&new, "access_token")).await, 401);
    let without_secret = [("client_id", "app"), ("token", "x")];
    let unauthenticated = form(&vendor, "/revoke", &without_secret).await;
    assert_eq!(unauthenticated.status(), 401);
    assert_eq!(vendor.counters().revocations, 4);
}

#[tokio::test]
async fn introspection_shows_whether_a_token_is_active() {
    let vendor = default();
    let token = vendor.issue().access_token;
    let live = json(&form(&vendor, "/introspect", &about(&token)).await);
    assert_eq!(live["active"], true);
    assert_eq!(live["username"], DEFAULT_USER);
    assert_eq!(live["exp"], 1_800_003_600);
    vendor.expire_access_tokens();
    let expired = json(&form(&vendor, "/introspect", &about(&token)).await);
    assert_eq!(expired, value!({"active": false}));
    assert_eq!(vendor.counters().introspections, 2);
}

#[tokio::test]
async fn the_resource_explains_its_401() {
    let vendor = default();
    let without = get_with(&vendor, "/api/me", &[]).await;
    let challenge = &without.headers()["www-authenticate"];
    assert_eq!(challenge, "Bearer realm=\"emulator\"");
    let wrong = vendor.call_api("wrong").await;
    let challenge = &wrong.headers()["www-authenticate"];
    assert_eq!(
        challenge,
        "Bearer realm=\"emulator\", error=\"invalid_token\""
    );
}

#[tokio::test]
async fn the_page_has_forms_that_approve_and_deny() {
    let vendor = default();
    let state = ("state", "\"><script>");
    let page = vendor.authorize(&[state]).await;
    let html = body(&page);
    for part in [
        "<form method=get action=\"/authorize\">",
        "<select name=approve><option value=\"bob@example.com\">Bob Gale</option>",
        "<button type=submit name=deny value=1>",
        "name=\"state\" value=\"&quot;&gt;&lt;script&gt;\"",
    ] {
        assert!(html.contains(part), "{html}");
    }
    // The form sends the login in `approve`, and also `deny` if this button is pressed.
    let login = ("approve", DEFAULT_USER);
    let approved = vendor.redirect(&[state, login]).await;
    assert!(query(&approved, "code").is_some());
    let both = vendor.redirect(&[state, login, ("deny", "1")]).await;
    assert_eq!(query(&both, "error").unwrap(), "access_denied");
    let unknown = vendor.authorize(&[state, ("approve", "eve")]).await;
    assert_eq!(unknown.status(), 400);
}

#[tokio::test]
async fn auto_approval_needs_no_parameter() {
    let builder = Emulator::plain().client(client()).auto_approve();
    let vendor = Vendor {
        emulator: builder.in_process(),
        requests: REQUESTS,
    };
    assert!(query(&vendor.redirect(&[]).await, "code").is_some());
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert!(query(&denied, "error").is_some());
}
