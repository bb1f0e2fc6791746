//! The plain provider.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json as value;
use tokenkeeper_emulator::{ClientAuthentication, Emulator, PlainOptions, RegisteredClient, Reuse};

use crate::support::{
    CALLBACK, bearer, client, form, form_request, frozen, get, get_with, json, location, query,
    text,
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn emulator(options: PlainOptions) -> Emulator {
    let public = RegisteredClient::new("public").redirect_uri(CALLBACK);
    Emulator::plain()
        .options(options)
        .client(client())
        .client(public)
        .clock(frozen)
        .in_process()
}

async fn authorize(emulator: &Emulator, more: &[(&str, &str)]) -> String {
    let base = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("state", "s"),
    ];
    location(&get(emulator, "/authorize", &[&base[..], more].concat()).await)
}

async fn exchange(emulator: &Emulator, code: &str, more: &[(&str, &str)]) -> Response<Bytes> {
    let base = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ];
    form(emulator, "/token", &[&base[..], more].concat()).await
}

async fn refresh(emulator: &Emulator, token: &str) -> Response<Bytes> {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("refresh_token", token),
    ];
    form(emulator, "/token", &pairs).await
}

async fn alive(emulator: &Emulator, access: &str) -> bool {
    bearer(emulator, "/api/me", access).await.status() == StatusCode::OK
}

#[tokio::test]
async fn a_code_brings_tokens_with_the_granted_scope() {
    let emulator = emulator(PlainOptions::default());
    let to = authorize(&emulator, &[("scope", "a b"), ("approve", "1")]).await;
    assert_eq!(query(&to, "state").unwrap(), "s");
    assert_eq!(query(&to, "iss"), None);
    let tokens = json(&exchange(&emulator, &query(&to, "code").unwrap(), &[]).await);
    assert_eq!(
        (&tokens["scope"], &tokens["expires_in"]),
        (&value!("a b"), &value!(3600))
    );
    assert!(alive(&emulator, &text(&tokens, "access_token")).await);

    let narrower = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "a c"),
    ];
    assert_eq!(
        json(&form(&emulator, "/token", &narrower).await)["error"],
        "invalid_scope"
    );
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_brought() {
    let emulator = emulator(PlainOptions::default());
    let code = query(&authorize(&emulator, &[("approve", "1")]).await, "code").unwrap();
    let tokens = json(&exchange(&emulator, &code, &[]).await);
    assert_eq!(
        json(&exchange(&emulator, &code, &[]).await)["error"],
        "invalid_grant"
    );
    assert!(!alive(&emulator, &text(&tokens, "access_token")).await);
    assert_eq!(
        json(&refresh(&emulator, &text(&tokens, "refresh_token")).await)["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn errors_go_to_the_redirect_uri_unless_it_is_wrong() {
    let emulator = emulator(PlainOptions::default().issuer());
    let denied = authorize(&emulator, &[("deny", "1")]).await;
    assert_eq!(query(&denied, "error").unwrap(), "access_denied");
    assert_eq!(query(&denied, "iss").unwrap(), emulator.base());
    let approved = authorize(&emulator, &[("approve", "1")]).await;
    assert_eq!(query(&approved, "iss").unwrap(), emulator.base());
    let pairs = [
        ("response_type", "token"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
    ];
    let wrong_type = location(&get(&emulator, "/authorize", &pairs).await);
    assert_eq!(
        query(&wrong_type, "error").unwrap(),
        "unsupported_response_type"
    );
    for pairs in [
        [
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", "https://evil.test/"),
        ],
        [
            ("response_type", "code"),
            ("client_id", "nobody"),
            ("redirect_uri", CALLBACK),
        ],
    ] {
        assert_eq!(
            get(&emulator, "/authorize", &pairs).await.status(),
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn pkce_binds_the_code_to_the_verifier() {
    let emulator = emulator(PlainOptions::default().require_pkce());
    let without = authorize(&emulator, &[("approve", "1")]).await;
    assert_eq!(query(&without, "error").unwrap(), "invalid_request");
    let plain = [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "plain"),
        ("approve", "1"),
    ];
    assert!(query(&authorize(&emulator, &plain).await, "error").is_some());
    let s256 = [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("approve", "1"),
    ];
    let code = query(&authorize(&emulator, &s256).await, "code").unwrap();
    assert_eq!(
        json(&exchange(&emulator, &code, &[]).await)["error"],
        "invalid_grant"
    );
    let wrong = VERIFIER.replace('d', "e");
    assert_eq!(
        json(&exchange(&emulator, &code, &[("code_verifier", &wrong)]).await)["error"],
        "invalid_grant"
    );
    assert_eq!(
        exchange(&emulator, &code, &[("code_verifier", VERIFIER)])
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_public_client_needs_no_secret() {
    let emulator = emulator(PlainOptions::default());
    let pairs = [
        ("response_type", "code"),
        ("client_id", "public"),
        ("approve", "1"),
    ];
    let to = location(&get(&emulator, "/authorize", &pairs).await);
    let code = query(&to, "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", &code),
    ];
    assert_eq!(
        form(&emulator, "/token", &pairs).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn client_authentication_is_basic_or_in_the_body() {
    // RFC 6749 §2.3.1: the parts are encoded as a form's before they are joined.
    let encoded = base64::engine::general_purpose::STANDARD.encode("app:s3%26cret");
    for (place, basic, body) in [
        (ClientAuthentication::Any, true, true),
        (ClientAuthentication::Basic, true, false),
        (ClientAuthentication::Body, false, true),
    ] {
        let emulator = emulator(PlainOptions::default().client_authentication(place));
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh_token.as_str()),
        ];
        let mut request = form_request("/token", &pairs);
        request
            .headers_mut()
            .insert("authorization", format!("Basic {encoded}").parse().unwrap());
        let by_basic = emulator.call(request).await.unwrap();
        assert_eq!(by_basic.status() == StatusCode::OK, basic, "{place:?}");
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        let by_body = refresh(&emulator, &tokens.refresh_token).await;
        assert_eq!(by_body.status() == StatusCode::OK, body, "{place:?}");
        if !body {
            assert_eq!(by_body.status(), StatusCode::UNAUTHORIZED);
            assert!(by_body.headers().contains_key("www-authenticate"));
        }
    }
}

#[tokio::test]
async fn without_rotation_the_refresh_token_stays_and_may_be_left_out() {
    let staying = emulator(PlainOptions::default().refresh_token_stays());
    let tokens = staying.issue_tokens("bob@example.com").unwrap();
    for _ in 0..2 {
        let new = json(&refresh(&staying, &tokens.refresh_token).await);
        assert_eq!(text(&new, "refresh_token"), tokens.refresh_token);
    }
    assert!(alive(&staying, &tokens.access_token).await);
    assert_eq!(staying.counters().presented_after_answer(), 0);

    let silent = emulator(
        PlainOptions::default()
            .omit_refresh_token()
            .access_token_dies_at_refresh(),
    );
    let tokens = silent.issue_tokens("bob@example.com").unwrap();
    let one = json(&refresh(&silent, &tokens.refresh_token).await);
    assert!(one.get("refresh_token").is_none());
    assert!(!alive(&silent, &tokens.access_token).await);
    let two = json(&refresh(&silent, &tokens.refresh_token).await);
    assert!(!alive(&silent, &text(&one, "access_token")).await);
    assert!(alive(&silent, &text(&two, "access_token")).await);
}

#[tokio::test]
async fn reuse_is_refused_and_with_detection_ends_the_family() {
    for (reuse, survives) in [(Reuse::Refuse, true), (Reuse::RevokeFamily, false)] {
        let emulator = emulator(PlainOptions::default().reuse(reuse));
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        let new = json(&refresh(&emulator, &tokens.refresh_token).await);
        assert_eq!(
            json(&refresh(&emulator, &tokens.refresh_token).await)["error"],
            "invalid_grant"
        );
        assert_eq!(
            alive(&emulator, &text(&new, "access_token")).await,
            survives
        );
        let next = refresh(&emulator, &text(&new, "refresh_token")).await;
        assert_eq!(next.status() == StatusCode::OK, survives);
    }
}

#[tokio::test]
async fn within_a_grace_reuse_brings_the_same_pair_or_a_fresh_one() {
    let grace = Duration::from_secs(60);
    for (reuse, same) in [
        (Reuse::SamePair(grace), true),
        (Reuse::FreshPair(grace), false),
    ] {
        let emulator = emulator(PlainOptions::default().reuse(reuse));
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        let first = json(&refresh(&emulator, &tokens.refresh_token).await);
        emulator.advance(Duration::from_secs(59));
        let second = json(&refresh(&emulator, &tokens.refresh_token).await);
        assert_eq!(first["access_token"] == second["access_token"], same);
        assert_eq!(first["refresh_token"] == second["refresh_token"], same);
        assert_eq!(second["expires_in"].as_u64().unwrap() < 3600, same);
        assert!(alive(&emulator, &text(&first, "access_token")).await);
        assert!(alive(&emulator, &text(&second, "access_token")).await);
        emulator.advance(Duration::from_secs(2));
        assert_eq!(
            json(&refresh(&emulator, &tokens.refresh_token).await)["error"],
            "invalid_grant"
        );
        assert!(!alive(&emulator, &text(&second, "access_token")).await);
    }
}

#[tokio::test]
async fn errors_may_come_with_200_and_the_expiry_may_be_left_out() {
    let emulator = emulator(PlainOptions::default().errors_in_200().omit_expires_in());
    let refused = refresh(&emulator, "unknown").await;
    assert_eq!(
        (refused.status().as_u16(), &json(&refused)["error"]),
        (200, &value!("invalid_grant"))
    );
    assert_eq!(emulator.counters().outcomes("invalid_grant"), 1);
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    assert!(
        json(&refresh(&emulator, &tokens.refresh_token).await)
            .get("expires_in")
            .is_none()
    );
}

#[tokio::test]
async fn revocation_of_a_refresh_token_ends_the_grant_and_of_an_access_token_only_itself() {
    let emulator = emulator(PlainOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let revoke = |token: String| {
        let emulator = emulator.clone();
        async move {
            let pairs = [
                ("client_id", "app"),
                ("client_secret", "s3&cret"),
                ("token", token.as_str()),
            ];
            form(&emulator, "/revoke", &pairs).await.status()
        }
    };
    assert_eq!(revoke("unknown".into()).await, StatusCode::OK);
    assert_eq!(revoke(tokens.access_token.clone()).await, StatusCode::OK);
    assert!(!alive(&emulator, &tokens.access_token).await);
    let new = json(&refresh(&emulator, &tokens.refresh_token).await);
    assert_eq!(revoke(text(&new, "refresh_token")).await, StatusCode::OK);
    assert!(!alive(&emulator, &text(&new, "access_token")).await);
    let unauthenticated = form(
        &emulator,
        "/revoke",
        &[("client_id", "app"), ("token", "x")],
    )
    .await;
    assert_eq!(unauthenticated.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(emulator.counters().revocations, 4);
}

#[tokio::test]
async fn introspection_tells_what_lives() {
    let emulator = emulator(PlainOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let pairs = [
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("token", tokens.access_token.as_str()),
    ];
    let live = json(&form(&emulator, "/introspect", &pairs).await);
    assert_eq!(
        (&live["active"], &live["username"]),
        (&value!(true), &value!("bob@example.com"))
    );
    assert_eq!(live["exp"], 1_800_003_600);
    emulator.expire_access_tokens();
    assert_eq!(
        json(&form(&emulator, "/introspect", &pairs).await),
        value!({"active": false})
    );
    assert_eq!(emulator.counters().introspections, 2);
}

#[tokio::test]
async fn the_resource_explains_its_401() {
    let emulator = emulator(PlainOptions::default());
    let without = get_with(&emulator, "/api/me", &[]).await;
    assert_eq!(
        without.headers()["www-authenticate"],
        "Bearer realm=\"emulator\""
    );
    let wrong = bearer(&emulator, "/api/me", "wrong").await;
    assert_eq!(
        wrong.headers()["www-authenticate"],
        "Bearer realm=\"emulator\", error=\"invalid_token\""
    );
}

#[tokio::test]
async fn the_page_has_forms_that_approve_and_deny() {
    let emulator = emulator(PlainOptions::default());
    let pairs = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("state", "\"><script>"),
    ];
    let page = get(&emulator, "/authorize", &pairs).await;
    let html = std::str::from_utf8(page.body()).unwrap();
    assert!(
        html.contains("<form method=get action=\"/authorize\">"),
        "{html}"
    );
    assert!(
        html.contains("<select name=approve><option value=\"bob@example.com\">Bob Gale</option>")
    );
    assert!(html.contains("<button type=submit name=deny value=1>"));
    assert!(html.contains("name=\"state\" value=\"&quot;&gt;&lt;script&gt;\""));
    // What the form's button sends: the login in `approve`, and `deny` beside it if that was
    // pressed.
    let approved = get(
        &emulator,
        "/authorize",
        &[&pairs[..], &[("approve", "bob@example.com")]].concat(),
    )
    .await;
    assert!(query(&location(&approved), "code").is_some());
    let both = [&pairs[..], &[("approve", "bob@example.com"), ("deny", "1")]].concat();
    assert_eq!(
        query(
            &location(&get(&emulator, "/authorize", &both).await),
            "error"
        )
        .unwrap(),
        "access_denied"
    );
    let nobody = get(
        &emulator,
        "/authorize",
        &[&pairs[..], &[("approve", "eve")]].concat(),
    )
    .await;
    assert_eq!(nobody.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn auto_approval_needs_no_parameter() {
    let emulator = Emulator::plain()
        .client(client())
        .auto_approve()
        .in_process();
    assert!(query(&authorize(&emulator, &[]).await, "code").is_some());
    assert!(query(&authorize(&emulator, &[("deny", "1")]).await, "error").is_some());
}
