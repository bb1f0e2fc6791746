//! Amiqus.

use std::time::Duration;

use http::StatusCode;
use serde_json::json as value;
use tokenkeeper_emulator::{
    AmiqusOptions, Emulator, Endpoint, Fault, Generation, Outcome, RefreshRedirectUri,
    RegisteredClient, User,
};

use crate::support::{
    CALLBACK, bearer, client, form, form_request, frozen, get, get_with, json, location, query,
    text,
};

const AUTHORIZE: &str = "/oauth/authorize";
const TOKEN: &str = "/oauth/token";

fn emulator(options: AmiqusOptions) -> Emulator {
    let client = client().redirect_uri("https://app.example/other?a=1");
    let elsewhere = RegisteredClient::new("elsewhere")
        .secret("s")
        .redirect_uri(CALLBACK);
    Emulator::amiqus()
        .options(options)
        .client(client)
        .client(elsewhere)
        .clock(frozen)
        .in_process()
}

fn of(generation: Generation) -> Emulator {
    emulator(AmiqusOptions::default().generation(generation))
}

async fn code(emulator: &Emulator) -> String {
    let approved = get(
        emulator,
        AUTHORIZE,
        &[
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("approve", "1"),
        ],
    )
    .await;
    query(&location(&approved), "code").unwrap()
}

fn exchange(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

fn refresh(token: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("refresh_token", token),
        ("redirect_uri", CALLBACK),
    ]
}

#[tokio::test]
async fn the_tokens_have_the_documents_form() {
    let emulator = emulator(AmiqusOptions::default());
    let code = code(&emulator).await;
    assert_eq!(code.len(), 716);
    assert!(code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let response = form(&emulator, TOKEN, &exchange(&code)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let tokens = json(&response);
    assert_eq!(tokens.as_object().unwrap().len(), 4);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 31_536_000);
    assert!(text(&tokens, "refresh_token").starts_with("def502"));
    let access = text(&tokens, "access_token");
    assert!(access.starts_with("eyJ0eXAiOiJ"));
    assert_eq!(access.split('.').count(), 3);

    let me = bearer(&emulator, "/api/v2/me", &access).await;
    assert_eq!(json(&me)["email"], "bob@example.com");
    assert_eq!(me.headers()["x-ratelimit-limit"], "200");
    assert_eq!(me.headers()["x-ratelimit-remaining"], "199");
    assert_eq!(
        bearer(&emulator, "/api/v2/status", &access).await.status(),
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn the_redirect_uri_must_be_one_of_the_registered() {
    let emulator = emulator(AmiqusOptions::default());
    let ask = async |uri: &str| {
        get(
            &emulator,
            AUTHORIZE,
            &[
                ("response_type", "code"),
                ("client_id", "app"),
                ("redirect_uri", uri),
                ("approve", "1"),
            ],
        )
        .await
    };
    assert!(
        location(&ask("https://app.example/other?a=1").await)
            .starts_with("https://app.example/other?a=1&code=")
    );
    for wrong in [
        "https://app.example/cb?x=1",
        "https://app.example/cb/",
        "https://evil.test/",
        "",
    ] {
        let refused = ask(wrong).await;
        assert!(refused.status().is_client_error(), "{wrong}");
        assert!(!refused.headers().contains_key("location"));
    }
}

#[tokio::test]
async fn state_comes_back_as_it_was_sent() {
    let emulator = emulator(AmiqusOptions::default());
    let base = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
    ];
    let with = [&base[..], &[("state", "a b&c=+"), ("approve", "1")]].concat();
    assert_eq!(
        query(&location(&get(&emulator, AUTHORIZE, &with).await), "state").unwrap(),
        "a b&c=+"
    );
    let without = [&base[..], &[("approve", "1")]].concat();
    assert_eq!(
        query(
            &location(&get(&emulator, AUTHORIZE, &without).await),
            "state"
        ),
        None
    );
}

#[tokio::test]
async fn a4_denial_may_carry_an_empty_state() {
    let emulator = emulator(AmiqusOptions::default().empty_state());
    let denied = get(
        &emulator,
        AUTHORIZE,
        &[
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("deny", "1"),
        ],
    )
    .await;
    assert_eq!(
        location(&denied),
        "https://app.example/cb?error=access_denied&state="
    );
}

#[tokio::test]
async fn a5_a_redirect_has_a_code_or_an_error() {
    let emulator = emulator(AmiqusOptions::default());
    let ask = async |decision: &str| {
        get(
            &emulator,
            AUTHORIZE,
            &[
                ("response_type", "code"),
                ("client_id", "app"),
                ("redirect_uri", CALLBACK),
                (decision, "1"),
            ],
        )
        .await
    };
    let approved = location(&ask("approve").await);
    assert!(query(&approved, "code").is_some() && query(&approved, "error").is_none());
    let denied = location(&ask("deny").await);
    assert!(query(&denied, "code").is_none() && query(&denied, "error").is_some());
}

#[tokio::test]
async fn a7_codes_live_ten_minutes() {
    for (generation, error) in [
        (Generation::Eight, "invalid_request"),
        (Generation::Nine, "invalid_grant"),
    ] {
        let emulator = of(generation);
        let (early, late) = (code(&emulator).await, code(&emulator).await);
        emulator.advance(Duration::from_secs(599));
        assert_eq!(
            form(&emulator, TOKEN, &exchange(&early)).await.status(),
            StatusCode::OK
        );
        emulator.advance(Duration::from_secs(2));
        let refused = form(&emulator, TOKEN, &exchange(&late)).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let body = json(&refused);
        assert_eq!(body["error"], error);
        assert_eq!(body["hint"], "Authorization code has expired");
        assert_eq!(
            body.get("message").is_some(),
            generation == Generation::Eight
        );
    }
}

#[tokio::test]
async fn a_code_works_once() {
    for (generation, error) in [
        (Generation::Eight, "invalid_request"),
        (Generation::Nine, "invalid_grant"),
    ] {
        let emulator = of(generation);
        let code = code(&emulator).await;
        assert_eq!(
            form(&emulator, TOKEN, &exchange(&code)).await.status(),
            StatusCode::OK
        );
        let again = form(&emulator, TOKEN, &exchange(&code)).await;
        assert_eq!(again.status(), StatusCode::BAD_REQUEST);
        assert_eq!(json(&again)["error"], error);
        assert_eq!(json(&again)["hint"], "Authorization code has been revoked");
    }
}

#[tokio::test]
async fn the_exchange_checks_redirect_uri_client_and_grant_type() {
    for generation in [Generation::Eight, Generation::Nine] {
        let emulator = of(generation);
        let code = code(&emulator).await;
        let with = |name: &'static str, value: &'static str| {
            let mut pairs = exchange(&code);
            pairs.iter_mut().find(|(key, _)| *key == name).unwrap().1 = value;
            form_request(TOKEN, &pairs)
        };
        for (name, wrong, status, error) in [
            (
                "redirect_uri",
                "https://app.example/other?a=1",
                400,
                "invalid_request",
            ),
            ("redirect_uri", "", 400, "invalid_request"),
            ("client_secret", "wrong", 401, "invalid_client"),
            ("client_id", "nobody", 401, "invalid_client"),
            ("grant_type", "password", 400, "unsupported_grant_type"),
            ("grant_type", "", 400, "unsupported_grant_type"),
        ] {
            let refused = emulator.call(with(name, wrong)).await.unwrap();
            assert_eq!(
                (refused.status().as_u16(), &json(&refused)["error"]),
                (status, &value!(error)),
                "{name}={wrong}"
            );
        }
        // None of these has used the code up.
        assert_eq!(
            form(&emulator, TOKEN, &exchange(&code)).await.status(),
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn pkce_is_checked_if_a_challenge_was_given_and_a_verifier_without_one_is_refused() {
    let emulator = emulator(AmiqusOptions::default());
    let (verifier, challenge) = (
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
    let plain = code(&emulator).await;
    let with_verifier = [&exchange(&plain)[..], &[("code_verifier", verifier)]].concat();
    let refused = form(&emulator, TOKEN, &with_verifier).await;
    assert_eq!(
        (refused.status().as_u16(), &json(&refused)["error"]),
        (400, &value!("invalid_request"))
    );

    let approved = get(
        &emulator,
        AUTHORIZE,
        &[
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("approve", "1"),
        ],
    )
    .await;
    let bound = query(&location(&approved), "code").unwrap();
    assert_eq!(
        json(&form(&emulator, TOKEN, &exchange(&bound)).await)["error"],
        "invalid_request"
    );
    let wrong = verifier.replace('d', "e");
    let mismatch = [&exchange(&bound)[..], &[("code_verifier", &*wrong)]].concat();
    assert_eq!(
        json(&form(&emulator, TOKEN, &mismatch).await)["error"],
        "invalid_grant"
    );
    let right = [&exchange(&bound)[..], &[("code_verifier", verifier)]].concat();
    assert_eq!(
        form(&emulator, TOKEN, &right).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a10_a_refresh_with_code_in_place_of_the_refresh_token_is_refused() {
    let emulator = emulator(AmiqusOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let as_printed = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("code", tokens.refresh_token.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let refused = form(&emulator, TOKEN, &as_printed).await;
    assert_eq!(
        (refused.status().as_u16(), &json(&refused)["error"]),
        (400, &value!("invalid_request"))
    );
    let both = [&refresh(&tokens.refresh_token)[..], &[("code", "x")]].concat();
    assert_eq!(
        form(&emulator, TOKEN, &both).await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        form(&emulator, TOKEN, &refresh(&tokens.refresh_token))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn redirect_uri_at_refresh_is_demanded_or_ignored() {
    for (mode, without, wrong) in [
        (RefreshRedirectUri::Strict, 400, 400),
        (RefreshRedirectUri::Lenient, 200, 200),
    ] {
        let emulator = emulator(AmiqusOptions::default().refresh_redirect_uri(mode));
        let mut token = emulator
            .issue_tokens("bob@example.com")
            .unwrap()
            .refresh_token;
        let refused = form(&emulator, TOKEN, &refresh(&token)[..4]).await;
        assert_eq!(refused.status().as_u16(), without);
        if without == 200 {
            token = text(&json(&refused), "refresh_token");
        }
        let mut pairs = refresh(&token);
        pairs[4].1 = "https://evil.test/";
        assert_eq!(
            form(&emulator, TOKEN, &pairs).await.status().as_u16(),
            wrong
        );
    }
}

#[tokio::test]
async fn a12_a_refresh_kills_both_old_tokens_and_reuse_is_refused() {
    for (generation, status, error) in [
        (Generation::Eight, 401, "invalid_request"),
        (Generation::Nine, 400, "invalid_grant"),
    ] {
        let emulator = of(generation);
        let old = json(&form(&emulator, TOKEN, &exchange(&code(&emulator).await)).await);
        let new = json(&form(&emulator, TOKEN, &refresh(&text(&old, "refresh_token"))).await);
        let dead = bearer(&emulator, "/api/v2/me", &text(&old, "access_token")).await;
        assert_eq!(dead.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(json(&dead), value!({"error": "Unauthenticated."}));
        assert_eq!(
            bearer(&emulator, "/api/v2/me", &text(&new, "access_token"))
                .await
                .status(),
            StatusCode::OK
        );

        let reused = form(&emulator, TOKEN, &refresh(&text(&old, "refresh_token"))).await;
        let body = json(&reused);
        assert_eq!(
            (reused.status().as_u16(), &body["error"]),
            (status, &value!(error))
        );
        assert_eq!(body["error_description"], "The refresh token is invalid.");
        assert_eq!(body["hint"], "Token has been revoked");
        assert_eq!(
            body.get("message").is_some(),
            generation == Generation::Eight
        );
        // A reuse does not end the newer pair.
        assert_eq!(
            form(&emulator, TOKEN, &refresh(&text(&new, "refresh_token")))
                .await
                .status(),
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn refresh_tokens_end_after_a_year_and_belong_to_their_client() {
    let emulator = emulator(AmiqusOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let mut foreign = refresh(&tokens.refresh_token);
    foreign[1].1 = "elsewhere";
    foreign[2].1 = "s";
    assert_eq!(
        json(&form(&emulator, TOKEN, &foreign).await)["hint"],
        "Token is not linked to client"
    );
    emulator.advance(Duration::from_secs(31_536_001));
    assert_eq!(
        json(&form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await)["hint"],
        "Token has expired"
    );
    assert_eq!(
        json(&form(&emulator, TOKEN, &refresh("def502zz")).await)["hint"],
        "Cannot decrypt the refresh token"
    );
}

#[tokio::test]
async fn a13_a_wrong_secret_leaves_the_refresh_token_alive() {
    for generation in [Generation::Eight, Generation::Nine] {
        let emulator = of(generation);
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        assert!(emulator.change_secret("app", "another"));
        let refused = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
        assert_eq!(
            (refused.status().as_u16(), &json(&refused)["error"]),
            (401, &value!("invalid_client"))
        );
        emulator.change_secret("app", "s3&cret");
        assert_eq!(
            form(&emulator, TOKEN, &refresh(&tokens.refresh_token))
                .await
                .status(),
            StatusCode::OK
        );
        assert_eq!(emulator.counters().presented_after_answer(), 0);
    }
}

#[tokio::test]
async fn a15_a_user_takes_access_back() {
    let emulator = emulator(AmiqusOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    assert_eq!(emulator.revoke_user("bob@example.com"), 1);
    let rejected = bearer(&emulator, "/api/v2/status", &tokens.access_token).await;
    assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED);
    let refused = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
    assert_eq!(json(&refused)["error"], "invalid_grant");
    // A new authorization works.
    assert_eq!(
        form(&emulator, TOKEN, &exchange(&code(&emulator).await))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a16_calls_over_the_limit_are_told_when_to_come_back() {
    let options = AmiqusOptions::default().rate_limit(2).enforce_rate_limit();
    let emulator = emulator(options);
    let one = emulator.issue_tokens("bob@example.com").unwrap();
    let two = emulator.issue_tokens("bob@example.com").unwrap();
    // The limit is the user's, whatever the token.
    assert_eq!(
        bearer(&emulator, "/api/v2/me", &one.access_token)
            .await
            .headers()["x-ratelimit-remaining"],
        "1"
    );
    assert_eq!(
        bearer(&emulator, "/api/v2/me", &two.access_token)
            .await
            .headers()["x-ratelimit-remaining"],
        "0"
    );
    emulator.advance(Duration::from_secs(13));
    let limited = bearer(&emulator, "/api/v2/me", &one.access_token).await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.headers()["retry-after"], "47");
    assert_eq!(limited.headers()["x-ratelimit-reset"], "1800000060");

    emulator.advance(Duration::from_secs(47));
    assert_eq!(
        bearer(&emulator, "/api/v2/me", &one.access_token)
            .await
            .status(),
        StatusCode::OK
    );

    emulator
        .faults()
        .once(Endpoint::Api, Fault::TooManyRequests { retry_after: 47 });
    let faulted = bearer(&emulator, "/api/v2/me", &one.access_token).await;
    assert_eq!(
        (faulted.status().as_u16(), &faulted.headers()["retry-after"]),
        (429, &"47".parse().unwrap())
    );
}

#[tokio::test]
async fn a22_a_cut_after_the_rotation_leaves_the_old_refresh_token_dead() {
    let emulator = emulator(AmiqusOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator
        .faults()
        .once(Endpoint::Token, Fault::CutBeforeAnswer);
    emulator
        .call(form_request(TOKEN, &refresh(&tokens.refresh_token)))
        .await
        .unwrap_err();
    assert_eq!(
        form(&emulator, TOKEN, &refresh(&tokens.refresh_token))
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
    let counters = emulator.counters();
    assert_eq!(
        counters.presentations[0].outcome,
        Outcome::GrantedUnanswered {
            fault: "cut-before-answer"
        }
    );
    // The second presentation is no fault of the client: nothing had said what became of the first.
    assert_eq!(counters.presented_after_answer(), 0);
}

#[tokio::test]
async fn api_errors_are_the_vendors() {
    let emulator = Emulator::amiqus()
        .user(User::new("eve@example.com").forbidden())
        .in_process();
    let tokens = emulator.issue_tokens("eve@example.com").unwrap();
    let forbidden = bearer(&emulator, "/api/v2/me", &tokens.access_token).await;
    assert_eq!(
        (forbidden.status().as_u16(), json(&forbidden)),
        (403, value!({"message": "This action is unauthorized."}))
    );
    let missing = bearer(&emulator, "/api/v2/nothing", &tokens.access_token).await;
    assert_eq!(
        (missing.status().as_u16(), json(&missing)),
        (404, value!({"error": "Not Found."}))
    );
    for header in [
        format!("bearer {}", tokens.access_token),
        "Bearer ".into(),
        "Bearer x".into(),
    ] {
        let rejected = get_with(&emulator, "/api/v2/me", &[("authorization", &header)]).await;
        assert_eq!(
            (rejected.status().as_u16(), json(&rejected)),
            (401, value!({"error": "Unauthenticated."}))
        );
    }
}

#[tokio::test]
async fn parameters_are_taken_from_a_form_only() {
    let emulator = emulator(AmiqusOptions::default());
    let code = code(&emulator).await;
    let mut as_json = form_request(TOKEN, &exchange(&code));
    as_json
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    assert_eq!(
        json(&emulator.call(as_json).await.unwrap())["error"],
        "unsupported_grant_type"
    );
    // The secret belongs into the body.
    let mut basic = form_request(
        TOKEN,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
        ],
    );
    basic
        .headers_mut()
        .insert("authorization", "Basic YXBwOnMzJmNyZXQ=".parse().unwrap());
    assert_eq!(
        json(&emulator.call(basic).await.unwrap())["error"],
        "invalid_request"
    );
    let repeated = [&exchange(&code)[..], &[("code", "x")]].concat();
    assert_eq!(
        json(&form(&emulator, TOKEN, &repeated).await)["error"],
        "invalid_request"
    );
}
