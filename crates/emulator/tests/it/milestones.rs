//! QicsMilestones and FortesMilestones.

use std::time::Duration;

use http::StatusCode;
use tokenkeeper_emulator::{
    Emulator, Endpoint, ErrorFormat, Fault, MilestonesOptions, RedirectRule,
};

use crate::support::{
    CALLBACK, bearer, client, form, form_request, frozen, get, json, location, query, text,
};

const AUTHORIZE: &str = "/api/oauth2/oauth2/auth";
const TOKEN: &str = "/api/oauth2/oauth2/token";
const PROJECTS: &str = "/api/projects";
const SENT: &str = "https://app.example/cb?flow=F&lang=nl";

fn emulator(options: MilestonesOptions) -> Emulator {
    Emulator::qics()
        .options(options)
        .client(client())
        .clock(frozen)
        .in_process()
}

async fn authorize(
    emulator: &Emulator,
    redirect_uri: &str,
    more: &[(&str, &str)],
) -> http::Response<bytes::Bytes> {
    let base = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", redirect_uri),
    ];
    get(emulator, AUTHORIZE, &[&base[..], more].concat()).await
}

async fn code(emulator: &Emulator) -> String {
    query(
        &location(&authorize(emulator, SENT, &[("approve", "1")]).await),
        "code",
    )
    .unwrap()
}

fn exchange(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("redirect_uri", SENT),
    ]
}

fn refresh(token: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
    ]
}

#[tokio::test]
async fn q1_three_parameters_at_the_doubled_path_are_enough() {
    for emulator in [Emulator::qics(), Emulator::fortes()] {
        let emulator = emulator.client(client()).in_process();
        let page = authorize(&emulator, SENT, &[]).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(
            page.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        assert_eq!(emulator.counters().authorize_requests, 1);
    }
}

#[tokio::test]
async fn q2_the_sent_query_is_preserved_on_success() {
    let emulator = emulator(MilestonesOptions::default());
    let to = location(&authorize(&emulator, SENT, &[("approve", "1")]).await);
    let code = query(&to, "code").unwrap();
    assert_eq!(
        to,
        format!("https://app.example/cb?flow=F&lang=nl&code={code}")
    );
    let bare = location(&authorize(&emulator, CALLBACK, &[("approve", "1"), ("state", "s")]).await);
    assert!(bare.starts_with("https://app.example/cb?code="), "{bare}");
    assert_eq!(query(&bare, "state"), None);
}

#[tokio::test]
async fn q3_a_flow_that_is_missing_or_doubled_comes_back_as_it_was_sent() {
    let emulator = emulator(MilestonesOptions::default());
    for sent in [CALLBACK, "https://app.example/cb?flow=F&flow=G"] {
        let to = location(&authorize(&emulator, sent, &[("approve", "1")]).await);
        let (back, _) = to.split_once("code=").unwrap();
        assert_eq!(back.trim_end_matches(['?', '&']), sent);
    }
    // To the provider it is a parameter like any other: only the client can tell a foreign one.
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn q3b_a_denial_loses_the_sent_query() {
    let emulator = emulator(MilestonesOptions::default());
    let to = location(&authorize(&emulator, SENT, &[("deny", "1")]).await);
    assert_eq!(to, "https://app.example/cb?error=access_denied");
    let echoing = Emulator::qics()
        .options(MilestonesOptions::default().echo_state())
        .client(client())
        .in_process();
    let to = location(&authorize(&echoing, SENT, &[("deny", "1"), ("state", "s")]).await);
    assert_eq!(to, "https://app.example/cb?error=access_denied&state=s");
}

#[tokio::test]
async fn q5_a_code_works_once() {
    let emulator = emulator(MilestonesOptions::default());
    let code = code(&emulator).await;
    assert_eq!(
        form(&emulator, TOKEN, &exchange(&code)).await.status(),
        StatusCode::OK
    );
    let again = form(&emulator, TOKEN, &exchange(&code)).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(&again)["error"], "invalid_grant");
}

#[tokio::test]
async fn q6_a_response_is_json_or_what_the_document_prints() {
    let strict = emulator(MilestonesOptions::default());
    let tokens = json(&form(&strict, TOKEN, &exchange(&code(&strict).await)).await);
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(text(&tokens, "access_token").len(), 32);
    assert_eq!(text(&tokens, "refresh_token").len(), 32);

    let loose = emulator(MilestonesOptions::default().unquoted_keys());
    let response = form(&loose, TOKEN, &exchange(&code(&loose).await)).await;
    let body = std::str::from_utf8(response.body()).unwrap();
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!((lines[0], lines[5]), ("{", "}"));
    assert!(lines[1].starts_with("    access_token: \"") && lines[1].ends_with("\","));
    assert_eq!(lines[2], "    token_type: \"bearer\",");
    assert_eq!(lines[3], "    expires_in: 3600,");
    assert!(lines[4].starts_with("    refresh_token: \"") && lines[4].ends_with('"'));
}

#[tokio::test]
async fn q8_errors_can_be_unquoted_too() {
    let emulator = emulator(MilestonesOptions::default().error_format(ErrorFormat::Unquoted));
    let refused = form(&emulator, TOKEN, &refresh("nothing")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let body = std::str::from_utf8(refused.body()).unwrap();
    assert!(body.contains("error: \"invalid_grant\","), "{body}");
    // The description has commas inside its string.
    assert!(
        body.contains("\"the refresh token is unknown, used, revoked or expired\""),
        "{body}"
    );
}

#[tokio::test]
async fn q9_an_unquoted_response_can_be_truncated() {
    let emulator = emulator(MilestonesOptions::default().unquoted_keys());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator.faults().once(Endpoint::Token, Fault::Truncated);
    let half = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
    assert!(half.body().starts_with(b"{\n    access_token: \""));
    assert!(!half.body().ends_with(b"}"));
    // A field that is changed stays in the same notation.
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator
        .faults()
        .once(Endpoint::Token, Fault::field("expires_in", "3600"));
    let changed = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
    let body = std::str::from_utf8(changed.body()).unwrap();
    assert!(body.contains("    expires_in: \"3600\",\n"), "{body}");
}

#[tokio::test]
async fn q9_an_unquoted_response_can_be_nested_or_hold_a_key_twice() {
    let emulator = emulator(MilestonesOptions::default().unquoted_keys());
    let refreshed = async |fault| {
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        emulator.faults().once(Endpoint::Token, fault);
        let response = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
        String::from_utf8(response.body().to_vec()).unwrap()
    };
    let nested = refreshed(Fault::field("user", serde_json::json!({"id": 7}))).await;
    assert!(nested.contains("    user: {\"id\":7}\n}"), "{nested}");
    let twice = "{\n    access_token: \"a\",\n    access_token: \"b\"\n}";
    let instead = Fault::AnswerInstead(http::Response::new(twice.into()));
    assert_eq!(refreshed(instead).await, twice);
}

#[tokio::test]
async fn f4_the_two_brands_share_no_tokens() {
    let qics = emulator(MilestonesOptions::default());
    let fortes = Emulator::fortes().client(client()).in_process();
    let tokens = qics.issue_tokens("bob@example.com").unwrap();
    assert_eq!(
        bearer(&fortes, PROJECTS, &tokens.access_token)
            .await
            .status(),
        401
    );
    assert_eq!(
        form(&fortes, TOKEN, &refresh(&tokens.refresh_token))
            .await
            .status(),
        400
    );
    let page = authorize(&fortes, SENT, &[]).await;
    assert!(
        std::str::from_utf8(page.body())
            .unwrap()
            .contains("FortesMilestones")
    );
}

#[tokio::test]
async fn q12_a_refresh_kills_both_old_tokens() {
    let emulator = emulator(MilestonesOptions::default());
    let old = json(&form(&emulator, TOKEN, &exchange(&code(&emulator).await)).await);
    assert_eq!(
        bearer(&emulator, PROJECTS, &text(&old, "access_token"))
            .await
            .status(),
        StatusCode::OK
    );
    let new = json(&form(&emulator, TOKEN, &refresh(&text(&old, "refresh_token"))).await);
    let rejected = bearer(&emulator, PROJECTS, &text(&old, "access_token")).await;
    assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED);
    let reused = form(&emulator, TOKEN, &refresh(&text(&old, "refresh_token"))).await;
    assert_eq!(reused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        bearer(&emulator, PROJECTS, &text(&new, "access_token"))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn access_tokens_end_after_an_hour() {
    let emulator = emulator(MilestonesOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator.advance(Duration::from_secs(3599));
    assert_eq!(
        bearer(&emulator, PROJECTS, &tokens.access_token)
            .await
            .status(),
        StatusCode::OK
    );
    emulator.advance(Duration::from_secs(2));
    assert_eq!(
        bearer(&emulator, PROJECTS, &tokens.access_token)
            .await
            .status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        form(&emulator, TOKEN, &refresh(&tokens.refresh_token))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn q14_a_foreign_redirect_uri_gets_no_redirect() {
    let evil = "https://evil.test/?u=https://app.example/cb";
    let strict = emulator(MilestonesOptions::default());
    for wrong in [
        evil,
        "https://app.example/cbx",
        "https://app.example/cb#f",
        "https://app.example/cb?a#f",
        "",
    ] {
        let refused = authorize(&strict, wrong, &[("approve", "1")]).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{wrong}");
        assert!(!refused.headers().contains_key("location"));
    }
    // To the letter the document allows it.
    let lax = emulator(MilestonesOptions::default().redirect_rule(RedirectRule::Substring));
    assert!(location(&authorize(&lax, evil, &[("approve", "1")]).await).starts_with(evil));
}

#[tokio::test]
async fn q16_a_wrong_secret_is_invalid_client_and_changes_nothing() {
    let emulator = emulator(MilestonesOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let mut wrong = refresh(&tokens.refresh_token);
    wrong[3].1 = "wrong";
    let refused = form(&emulator, TOKEN, &wrong).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(json(&refused)["error"], "invalid_client");
    assert_eq!(
        bearer(&emulator, PROJECTS, &tokens.access_token)
            .await
            .status(),
        StatusCode::OK
    );
    assert_eq!(
        form(&emulator, TOKEN, &refresh(&tokens.refresh_token))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn q18_the_token_endpoint_can_answer_html_or_lead_to_a_login_page() {
    let emulator = emulator(MilestonesOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator
        .faults()
        .once(Endpoint::Token, Fault::HtmlServerError);
    let broken = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
    assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(broken.body().starts_with(b"<!doctype html>"));
    emulator
        .faults()
        .once(Endpoint::Token, Fault::LoginRedirect);
    let moved = form(&emulator, TOKEN, &refresh(&tokens.refresh_token)).await;
    assert_eq!(location(&moved), "http://localhost:1/login");
    assert_eq!(emulator.counters().other_requests, 0);
    assert_eq!(get(&emulator, "/login", &[]).await.status(), StatusCode::OK);
    assert_eq!(emulator.counters().other_requests, 1);
    // Neither was processed.
    assert_eq!(
        form(&emulator, TOKEN, &refresh(&tokens.refresh_token))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn errors_can_be_html() {
    for (format, status) in [(ErrorFormat::Html400, 400), (ErrorFormat::Html500, 500)] {
        let emulator = emulator(MilestonesOptions::default().error_format(format));
        let refused = form(&emulator, TOKEN, &refresh("nothing")).await;
        assert_eq!(refused.status().as_u16(), status);
        assert!(refused.body().starts_with(b"<!doctype html>"));
        assert_eq!(emulator.counters().outcomes("invalid_grant"), 1);
    }
}

#[tokio::test]
async fn only_the_documents_parameters_are_taken() {
    let emulator = emulator(MilestonesOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    for extra in [
        ("redirect_uri", CALLBACK),
        ("scope", "all"),
        ("client_id", "app"),
    ] {
        let refused = form(
            &emulator,
            TOKEN,
            &[&refresh(&tokens.refresh_token)[..], &[extra]].concat(),
        )
        .await;
        assert_eq!(json(&refused)["error"], "invalid_request", "{extra:?}");
    }
    for missing in 0..4 {
        let mut pairs = refresh(&tokens.refresh_token).to_vec();
        pairs.remove(missing);
        assert_eq!(
            json(&form(&emulator, TOKEN, &pairs).await)["error"],
            "invalid_request",
            "{missing}"
        );
    }
    let lenient = self::emulator(MilestonesOptions::default().lenient_parameters());
    let tokens = lenient.issue_tokens("bob@example.com").unwrap();
    let pairs = [&refresh(&tokens.refresh_token)[..], &[("scope", "all")]].concat();
    assert_eq!(form(&lenient, TOKEN, &pairs).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_secret_belongs_into_the_body_only() {
    let emulator = emulator(MilestonesOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let basic = |pairs: &[(&str, &str)]| {
        let mut request = form_request(TOKEN, pairs);
        request
            .headers_mut()
            .insert("authorization", "Basic YXBwOnMzJmNyZXQ=".parse().unwrap());
        emulator.call(request)
    };
    let instead = basic(&refresh(&tokens.refresh_token)[..2]).await.unwrap();
    assert_eq!(json(&instead)["error"], "invalid_client");
    let besides = basic(&refresh(&tokens.refresh_token)).await.unwrap();
    assert_eq!(json(&besides)["error"], "invalid_request");
    let mut as_json = form_request(TOKEN, &refresh(&tokens.refresh_token));
    as_json
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    assert_eq!(
        json(&emulator.call(as_json).await.unwrap())["error"],
        "invalid_request"
    );
}

#[tokio::test]
async fn the_exchange_wants_the_redirect_uri_as_it_was_authorized() {
    let emulator = emulator(MilestonesOptions::default());
    let code = code(&emulator).await;
    let mut pairs = exchange(&code);
    pairs[4].1 = CALLBACK;
    assert_eq!(
        json(&form(&emulator, TOKEN, &pairs).await)["error"],
        "invalid_grant"
    );
    assert_eq!(
        form(&emulator, TOKEN, &exchange(&code)).await.status(),
        StatusCode::OK
    );
}
