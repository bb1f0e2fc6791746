//! Amiqus.

use std::time::Duration;

use serde_json::json as value;
use tokenkeeper_emulator::{
    AmiqusOptions, DEFAULT_USER, Emulator, Endpoint, Fault, Generation, Outcome,
    RefreshRedirectUri, RegisteredClient, User,
};

use crate::support::{
    CALLBACK, Pairs, Requests, Vendor, bearer, bearer_header, client, error, exchange_form,
    form_request, frozen, get_with, json, query, set, text,
};

const REQUESTS: Requests = Requests {
    authorize: "/oauth/authorize",
    token: "/oauth/token",
    api: "/api/v2/me",
    authorization: &[
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
    ],
    exchange: exchange_form,
    refresh,
    token_request: form_request,
    credential: bearer_header,
    read: query,
};

const STATUS: &str = "/api/v2/status";

const BOTH: [Generation; 2] = [Generation::Eight, Generation::Nine];

fn refresh(token: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("refresh_token", token),
        ("redirect_uri", CALLBACK),
    ]
}

fn default() -> Vendor {
    vendor(AmiqusOptions::default())
}

fn of(generation: Generation) -> Vendor {
    vendor(AmiqusOptions::default().generation(generation))
}

fn vendor(options: AmiqusOptions) -> Vendor {
    let client = client().redirect_uri("https://app.example/other?a=1");
    let elsewhere = RegisteredClient::new("elsewhere").secret("s");
    let builder = Emulator::amiqus()
        .options(options)
        .client(client)
        .client(elsewhere.redirect_uri(CALLBACK))
        .clock(frozen);
    Vendor {
        emulator: builder.in_process(),
        requests: REQUESTS,
    }
}

/// The error of a bad code.
fn code_error(generation: Generation) -> &'static str {
    match generation {
        Generation::Eight => "invalid_request",
        _ => "invalid_grant",
    }
}

#[tokio::test]
async fn the_tokens_have_the_documents_form() {
    let vendor = default();
    let code = vendor.code().await;
    assert_eq!(code.len(), 716);
    assert!(code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let response = vendor.exchange(&code).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let tokens = json(&response);
    assert_eq!(tokens.as_object().unwrap().len(), 4);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 31_536_000);
    assert!(text(&tokens, "refresh_token").starts_with("def502"));
    let access = text(&tokens, "access_token");
    assert!(access.starts_with("eyJ0eXAiOiJ"));
    assert_eq!(access.split('.').count(), 3);

    let me = vendor.call_api(&access).await;
    assert_eq!(json(&me)["email"], DEFAULT_USER);
    assert_eq!(me.headers()["x-ratelimit-limit"], "200");
    assert_eq!(me.headers()["x-ratelimit-remaining"], "199");
    assert_eq!(bearer(&vendor, STATUS, &access).await, 204);
}

#[tokio::test]
async fn the_redirect_uri_must_be_registered() {
    let vendor = default();
    let other = "https://app.example/other?a=1";
    let to = vendor
        .redirect(&[("redirect_uri", other), ("approve", "1")])
        .await;
    assert!(to.starts_with(&format!("{other}&code=")));
    for wrong in [
        "https://app.example/cb?x=1",
        "https://app.example/cb/",
        "https://evil.test/",
        "",
    ] {
        let refused = vendor
            .authorize(&[("redirect_uri", wrong), ("approve", "1")])
            .await;
        assert!(refused.status().is_client_error(), "{wrong}");
        assert!(!refused.headers().contains_key("location"));
    }
}

#[tokio::test]
async fn state_comes_back_as_sent() {
    let vendor = default();
    let with = vendor
        .redirect(&[("state", "a b&c=+"), ("approve", "1")])
        .await;
    assert_eq!(query(&with, "state").unwrap(), "a b&c=+");
    let without = vendor.redirect(&[("approve", "1")]).await;
    assert_eq!(query(&without, "state"), None);
}

#[tokio::test]
async fn a4_a_denial_may_carry_an_empty_state() {
    let vendor = vendor(AmiqusOptions::default().empty_state());
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert_eq!(denied, "https://app.example/cb?error=access_denied&state=");
}

#[tokio::test]
async fn a5_a_redirect_has_a_code_or_an_error() {
    let vendor = default();
    let approved = vendor.redirect(&[("approve", "1")]).await;
    assert!(query(&approved, "code").is_some() && query(&approved, "error").is_none());
    let denied = vendor.redirect(&[("deny", "1")]).await;
    assert!(query(&denied, "code").is_none() && query(&denied, "error").is_some());
}

#[tokio::test]
async fn a7_codes_live_ten_minutes() {
    for generation in BOTH {
        let vendor = of(generation);
        let (early, late) = (vendor.code().await, vendor.code().await);
        vendor.advance(Duration::from_secs(599));
        assert_eq!(vendor.exchange(&early).await.status(), 200);
        vendor.advance(Duration::from_secs(2));
        let refused = vendor.exchange(&late).await;
        assert_eq!(refused.status(), 400);
        let body = json(&refused);
        assert_eq!(body["error"], code_error(generation));
        assert_eq!(body["hint"], "Authorization code has expired");
        let has_message = body.get("message").is_some();
        assert_eq!(has_message, generation == Generation::Eight);
    }
}

#[tokio::test]
async fn a_code_works_once() {
    for generation in BOTH {
        let vendor = of(generation);
        let code = vendor.code().await;
        assert_eq!(vendor.exchange(&code).await.status(), 200);
        let again = vendor.exchange(&code).await;
        assert_eq!(again.status(), 400);
        assert_eq!(error(&again), code_error(generation));
        assert_eq!(json(&again)["hint"], "Authorization code has been revoked");
    }
}

#[tokio::test]
async fn the_exchange_checks_redirect_uri_client_and_grant_type() {
    for generation in BOTH {
        let vendor = of(generation);
        let code = vendor.code().await;
        let other = "https://app.example/other?a=1";
        for (name, wrong, status, code_of_error) in [
            ("redirect_uri", other, 400, "invalid_request"),
            ("redirect_uri", "", 400, "invalid_request"),
            ("client_secret", "wrong", 401, "invalid_client"),
            ("client_id", "unknown", 401, "invalid_client"),
            ("grant_type", "password", 400, "unsupported_grant_type"),
            ("grant_type", "", 400, "unsupported_grant_type"),
        ] {
            let refused = vendor.exchange_with(&code, &[(name, wrong)]).await;
            assert_eq!(refused.status(), status, "{name}={wrong}");
            assert_eq!(error(&refused), code_of_error, "{name}={wrong}");
        }
        // None of these has used the code.
        assert_eq!(vendor.exchange(&code).await.status(), 200);
    }
}

#[tokio::test]
async fn pkce_needs_both_challenge_and_verifier_or_neither() {
    let vendor = default();
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let with_verifier = [("code_verifier", verifier)];

    let plain = vendor.code().await;
    let refused = vendor.exchange_with(&plain, &with_verifier).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(error(&refused), "invalid_request");

    let with_challenge = [
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("approve", "1"),
    ];
    let bound = query(&vendor.redirect(&with_challenge).await, "code").unwrap();
    assert_eq!(error(&vendor.exchange(&bound).await), "invalid_request");
    let wrong = verifier.replace('d', "e");
    let mismatch = [("code_verifier", &*wrong)];
    let mismatch = vendor.exchange_with(&bound, &mismatch).await;
    assert_eq!(error(&mismatch), "invalid_grant");
    let right = vendor.exchange_with(&bound, &with_verifier).await;
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn a10_a_refresh_with_a_code_is_refused() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    let mut as_printed = refresh(&token);
    as_printed[3].0 = "code";
    let refused = vendor.token(&as_printed).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(error(&refused), "invalid_request");
    let both = vendor.refresh_with(&token, &[("code", "x")]).await;
    assert_eq!(both.status(), 400);
    assert_eq!(vendor.refresh(&token).await.status(), 200);
}

#[tokio::test]
async fn redirect_uri_at_refresh_is_required_or_ignored() {
    for (mode, status) in [
        (RefreshRedirectUri::Strict, 400),
        (RefreshRedirectUri::Lenient, 200),
    ] {
        let vendor = vendor(AmiqusOptions::default().refresh_redirect_uri(mode));
        let token = vendor.issue().refresh_token;
        let without = vendor.token(&refresh(&token)[..4]).await;
        assert_eq!(without.status(), status);
        let token = vendor.issue().refresh_token;
        let wrong = [("redirect_uri", "https://evil.test/")];
        let wrong = vendor.refresh_with(&token, &wrong).await;
        assert_eq!(wrong.status(), status);
    }
}

#[tokio::test]
async fn a12_a_refresh_kills_both_old_tokens() {
    for (generation, status) in [(Generation::Eight, 401), (Generation::Nine, 400)] {
        let vendor = of(generation);
        let old = json(&vendor.exchange(&vendor.code().await).await);
        let old_refresh = text(&old, "refresh_token");
        let new = json(&vendor.refresh(&old_refresh).await);
        let dead = vendor.call_api(&text(&old, "access_token")).await;
        assert_eq!(dead.status(), 401);
        assert_eq!(json(&dead), value!({"error": "Unauthenticated."}));
        assert_eq!(vendor.api(&text(&new, "access_token")).await, 200);

        let reused = vendor.refresh(&old_refresh).await;
        let body = json(&reused);
        assert_eq!(reused.status(), status);
        assert_eq!(body["error"], code_error(generation));
        assert_eq!(body["error_description"], "The refresh token is invalid.");
        assert_eq!(body["hint"], "Token has been revoked");
        let has_message = body.get("message").is_some();
        assert_eq!(has_message, generation == Generation::Eight);
        // A reuse does not end the newer pair.
        let next = vendor.refresh(&text(&new, "refresh_token")).await;
        assert_eq!(next.status(), 200);
    }
}

#[tokio::test]
async fn refresh_tokens_expire_after_a_year_and_belong_to_a_client() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    let foreign = [("client_id", "elsewhere"), ("client_secret", "s")];
    let foreign = vendor.refresh_with(&token, &foreign).await;
    assert_eq!(json(&foreign)["hint"], "Token is not linked to client");
    vendor.advance(Duration::from_secs(31_536_001));
    let expired = vendor.refresh(&token).await;
    assert_eq!(json(&expired)["hint"], "Token has expired");
    let unknown = vendor.refresh("def502zz").await;
    assert_eq!(json(&unknown)["hint"], "Cannot decrypt the refresh token");
}

#[tokio::test]
async fn a13_a_wrong_secret_leaves_the_refresh_token_alive() {
    for generation in BOTH {
        let vendor = of(generation);
        let token = vendor.issue().refresh_token;
        assert!(vendor.change_secret("app", "another"));
        let refused = vendor.refresh(&token).await;
        assert_eq!(refused.status(), 401);
        assert_eq!(error(&refused), "invalid_client");
        vendor.change_secret("app", "s3&cret");
        assert_eq!(vendor.refresh(&token).await.status(), 200);
        assert_eq!(vendor.counters().presented_after_answer(), 0);
    }
}

#[tokio::test]
async fn a15_a_user_revokes_access() {
    let vendor = default();
    let tokens = vendor.issue();
    assert_eq!(vendor.revoke_user(DEFAULT_USER), 1);
    assert_eq!(bearer(&vendor, STATUS, &tokens.access_token).await, 401);
    let refused = vendor.refresh(&tokens.refresh_token).await;
    assert_eq!(error(&refused), "invalid_grant");
    // A new authorization works.
    let code = vendor.code().await;
    assert_eq!(vendor.exchange(&code).await.status(), 200);
}

#[tokio::test]
async fn a16_calls_over_the_limit_get_a_retry_after() {
    let vendor = vendor(AmiqusOptions::default().rate_limit(2).enforce_rate_limit());
    let (one, two) = (vendor.issue().access_token, vendor.issue().access_token);
    // The limit counts the user's calls, whatever the token.
    for (token, remaining) in [(&one, "1"), (&two, "0")] {
        let response = vendor.call_api(token).await;
        assert_eq!(response.headers()["x-ratelimit-remaining"], remaining);
    }
    vendor.advance(Duration::from_secs(13));
    let limited = vendor.call_api(&one).await;
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "47");
    assert_eq!(limited.headers()["x-ratelimit-reset"], "1800000060");

    vendor.advance(Duration::from_secs(47));
    assert_eq!(vendor.api(&one).await, 200);

    vendor.once(Endpoint::Api, Fault::TooManyRequests { retry_after: 47 });
    let faulted = vendor.call_api(&one).await;
    assert_eq!(faulted.status(), 429);
    assert_eq!(faulted.headers()["retry-after"], "47");
}

#[tokio::test]
async fn a22_a_cut_after_the_rotation_kills_the_old_refresh_token() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    vendor.once(Endpoint::Token, Fault::CutBeforeAnswer);
    let request = form_request(REQUESTS.token, &refresh(&token));
    vendor.call(request).await.unwrap_err();
    assert_eq!(vendor.refresh(&token).await.status(), 400);
    let counters = vendor.counters();
    let fault = "cut-before-answer";
    let outcome = Outcome::GrantedUnanswered { fault };
    assert_eq!(counters.presentations[0].outcome, outcome);
    // The second presentation is no bug of the client, which got no response to the first.
    assert_eq!(counters.presented_after_answer(), 0);
}

#[tokio::test]
async fn api_errors_are_the_vendors() {
    let user = User::new("eve@example.com").forbidden();
    let emulator = Emulator::amiqus().user(user).in_process();
    let token = emulator.issue_tokens("eve@example.com").unwrap();
    let token = token.access_token;
    let unauthenticated = value!({"error": "Unauthenticated."});
    let bearer = format!("Bearer {token}");
    let lower_case = format!("bearer {token}");
    for (path, header, status, body) in [
        (
            "/api/v2/me",
            &*bearer,
            403,
            value!({"message": "This action is unauthorized."}),
        ),
        (
            "/api/v2/nothing",
            &bearer,
            404,
            value!({"error": "Not Found."}),
        ),
        ("/api/v2/me", &lower_case, 401, unauthenticated.clone()),
        ("/api/v2/me", "Bearer ", 401, unauthenticated.clone()),
        ("/api/v2/me", "Bearer x", 401, unauthenticated),
    ] {
        let refused = get_with(&emulator, path, &[("authorization", header)]).await;
        assert_eq!(refused.status(), status, "{path} {header}");
        assert_eq!(json(&refused), body, "{path} {header}");
    }
}

#[tokio::test]
async fn parameters_are_read_from_a_form_only() {
    let vendor = default();
    let code = vendor.code().await;
    let mut as_json = form_request(REQUESTS.token, &exchange_form(&code));
    set(&mut as_json, "content-type", "application/json");
    let refused = vendor.send(as_json).await;
    assert_eq!(error(&refused), "unsupported_grant_type");
    // The secret belongs in the body.
    let without_client = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ];
    let mut basic = form_request(REQUESTS.token, &without_client);
    set(&mut basic, "authorization", "Basic YXBwOnMzJmNyZXQ=");
    assert_eq!(error(&vendor.send(basic).await), "invalid_request");
    let repeated = [&exchange_form(&code)[..], &[("code", "x")]].concat();
    let refused = vendor.token(&repeated).await;
    assert_eq!(error(&refused), "invalid_request");
}
