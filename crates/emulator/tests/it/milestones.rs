//! QicsMilestones and FortesMilestones.

use std::time::Duration;

use tokenkeeper_emulator::{
    Emulator, Endpoint, ErrorFormat, Fault, MilestonesOptions, RedirectRule,
};

use crate::support::{
    CALLBACK, Pairs, Requests, Vendor, bearer_header, body, client, error, form_request, frozen,
    get, json, location, query, set, text,
};

const SENT: &str = "https://app.example/cb?flow=F&lang=nl";

const REQUESTS: Requests = Requests {
    authorize: "/api/oauth2/oauth2/auth",
    token: "/api/oauth2/oauth2/token",
    api: "/api/projects",
    authorization: &[
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", SENT),
    ],
    exchange,
    refresh,
    token_request: form_request,
    credential: bearer_header,
    read: query,
};

fn exchange(code: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("redirect_uri", SENT),
    ]
}

fn refresh(token: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
    ]
}

fn default() -> Vendor {
    qics(MilestonesOptions::default())
}

fn qics(options: MilestonesOptions) -> Vendor {
    let builder = Emulator::qics().options(options).client(client());
    Vendor {
        emulator: builder.clock(frozen).in_process(),
        requests: REQUESTS,
    }
}

fn fortes() -> Vendor {
    Vendor {
        emulator: Emulator::fortes().client(client()).in_process(),
        requests: REQUESTS,
    }
}

#[tokio::test]
async fn q1_three_parameters_at_the_doubled_path_are_enough() {
    for vendor in [default(), fortes()] {
        let page = vendor.authorize(&[]).await;
        assert_eq!(page.status(), 200);
        let content_type = page.headers()["content-type"].to_str().unwrap();
        assert!(content_type.starts_with("text/html"));
        assert_eq!(vendor.counters().authorize_requests, 1);
    }
}

#[tokio::test]
async fn q2_the_sent_query_is_preserved_on_success() {
    let vendor = default();
    let to = vendor.redirect(&[("approve", "1")]).await;
    let code = query(&to, "code").unwrap();
    assert_eq!(to, format!("{SENT}&code={code}"));
    let with_state = [("redirect_uri", CALLBACK), ("approve", "1"), ("state", "s")];
    let bare = vendor.redirect(&with_state).await;
    assert!(bare.starts_with("https://app.example/cb?code="), "{bare}");
    assert_eq!(query(&bare, "state"), None);
}

#[tokio::test]
async fn q3_a_missing_or_doubled_flow_comes_back_as_sent() {
    let vendor = default();
    for sent in [CALLBACK, "https://app.example/cb?flow=F&flow=G"] {
        let to = vendor
            .redirect(&[("redirect_uri", sent), ("approve", "1")])
            .await;
        let (back, _) = to.split_once("code=").unwrap();
        assert_eq!(back.trim_end_matches(['?', '&']), sent);
    }
    // To the provider it is a parameter like any other: only the client can tell a foreign one.
    assert_eq!(vendor.counters().token_requests, 0);
}

#[tokio::test]
async fn q3b_a_denial_loses_the_sent_query() {
    let to = default().redirect(&[("deny", "1")]).await;
    assert_eq!(to, "https://app.example/cb?error=access_denied");
    let echoing = qics(MilestonesOptions::default().echo_state());
    let to = echoing.redirect(&[("deny", "1"), ("state", "s")]).await;
    assert_eq!(to, "https://app.example/cb?error=access_denied&state=s");
}

#[tokio::test]
async fn q5_a_code_works_once() {
    let vendor = default();
    let code = vendor.code().await;
    assert_eq!(vendor.exchange(&code).await.status(), 200);
    let again = vendor.exchange(&code).await;
    assert_eq!(again.status(), 400);
    assert_eq!(error(&again), "invalid_grant");
}

#[tokio::test]
async fn q6_a_response_is_json_or_what_the_document_prints() {
    let strict = default();
    let tokens = json(&strict.exchange(&strict.code().await).await);
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(text(&tokens, "access_token").len(), 32);
    assert_eq!(text(&tokens, "refresh_token").len(), 32);

    let loose = qics(MilestonesOptions::default().unquoted_keys());
    let response = loose.exchange(&loose.code().await).await;
    let lines: Vec<&str> = body(&response).lines().collect();
    assert_eq!((lines[0], lines[5]), ("{", "}"));
    assert!(lines[1].starts_with("    access_token: \"") && lines[1].ends_with("\","));
    assert_eq!(lines[2], "    token_type: \"bearer\",");
    assert_eq!(lines[3], "    expires_in: 3600,");
    assert!(lines[4].starts_with("    refresh_token: \"") && lines[4].ends_with('"'));
}

#[tokio::test]
async fn q8_errors_can_be_unquoted_too() {
    let vendor = qics(MilestonesOptions::default().error_format(ErrorFormat::Unquoted));
    let refused = vendor.refresh("nothing").await;
    assert_eq!(refused.status(), 400);
    let body = body(&refused);
    assert!(body.contains("error: \"invalid_grant\","), "{body}");
    // The description has commas inside its string.
    let description = "\"the refresh token is unknown, used, revoked or expired\"";
    assert!(body.contains(description), "{body}");
}

#[tokio::test]
async fn q9_an_unquoted_response_can_be_truncated() {
    let vendor = qics(MilestonesOptions::default().unquoted_keys());
    vendor.once(Endpoint::Token, Fault::Truncated);
    let half = vendor.refresh(&vendor.issue().refresh_token).await;
    assert!(half.body().starts_with(b"{\n    access_token: \""));
    assert!(!half.body().ends_with(b"}"));
    // A changed field keeps the notation.
    vendor.once(Endpoint::Token, Fault::field("expires_in", "3600"));
    let changed = vendor.refresh(&vendor.issue().refresh_token).await;
    let body = body(&changed);
    assert!(body.contains("    expires_in: \"3600\",\n"), "{body}");
}

#[tokio::test]
async fn q9_an_unquoted_response_can_be_nested_or_hold_a_key_twice() {
    let vendor = qics(MilestonesOptions::default().unquoted_keys());
    let refreshed = async |fault| {
        vendor.once(Endpoint::Token, fault);
        let response = vendor.refresh(&vendor.issue().refresh_token).await;
        body(&response).to_owned()
    };
    let nested = refreshed(Fault::field("user", serde_json::json!({"id": 7}))).await;
    assert!(nested.contains("    user: {\"id\":7}\n}"), "{nested}");
    let twice = "{\n    access_token: \"a\",\n    access_token: \"b\"\n}";
    let instead = Fault::AnswerInstead(http::Response::new(twice.into()));
    assert_eq!(refreshed(instead).await, twice);
}

#[tokio::test]
async fn f4_the_two_brands_share_no_tokens() {
    let fortes = fortes();
    let tokens = default().issue();
    assert_eq!(fortes.api(&tokens.access_token).await, 401);
    assert_eq!(fortes.refresh(&tokens.refresh_token).await.status(), 400);
    let page = fortes.authorize(&[]).await;
    assert!(body(&page).contains("FortesMilestones"));
}

#[tokio::test]
async fn q12_a_refresh_kills_both_old_tokens() {
    let vendor = default();
    let old = json(&vendor.exchange(&vendor.code().await).await);
    let (old_access, old_refresh) = (text(&old, "access_token"), text(&old, "refresh_token"));
    assert_eq!(vendor.api(&old_access).await, 200);
    let new = json(&vendor.refresh(&old_refresh).await);
    assert_eq!(vendor.api(&old_access).await, 401);
    assert_eq!(vendor.refresh(&old_refresh).await.status(), 400);
    assert_eq!(vendor.api(&text(&new, "access_token")).await, 200);
}

#[tokio::test]
async fn access_tokens_expire_after_an_hour() {
    let vendor = default();
    let tokens = vendor.issue();
    vendor.advance(Duration::from_secs(3599));
    assert_eq!(vendor.api(&tokens.access_token).await, 200);
    vendor.advance(Duration::from_secs(2));
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    assert_eq!(vendor.refresh(&tokens.refresh_token).await.status(), 200);
}

#[tokio::test]
async fn q14_a_foreign_redirect_uri_gets_no_redirect() {
    let evil = "https://evil.test/?u=https://app.example/cb";
    let strict = default();
    for wrong in [
        evil,
        "https://app.example/cbx",
        "https://app.example/cb#f",
        "https://app.example/cb?a#f",
        "",
    ] {
        let refused = strict
            .authorize(&[("redirect_uri", wrong), ("approve", "1")])
            .await;
        assert_eq!(refused.status(), 400, "{wrong}");
        assert!(!refused.headers().contains_key("location"));
    }
    // The document's literal text allows it.
    let lax = qics(MilestonesOptions::default().redirect_rule(RedirectRule::Substring));
    let to = lax
        .redirect(&[("redirect_uri", evil), ("approve", "1")])
        .await;
    assert!(to.starts_with(evil));
}

#[tokio::test]
async fn q16_a_wrong_secret_is_invalid_client_and_changes_nothing() {
    let vendor = default();
    let tokens = vendor.issue();
    let wrong = [("client_secret", "wrong")];
    let refused = vendor.refresh_with(&tokens.refresh_token, &wrong).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(error(&refused), "invalid_client");
    assert_eq!(vendor.api(&tokens.access_token).await, 200);
    assert_eq!(vendor.refresh(&tokens.refresh_token).await.status(), 200);
}

#[tokio::test]
async fn q18_the_token_endpoint_can_answer_html_or_redirect() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    vendor.once(Endpoint::Token, Fault::HtmlServerError);
    let broken = vendor.refresh(&token).await;
    assert_eq!(broken.status(), 500);
    assert!(broken.body().starts_with(b"<!doctype html>"));
    vendor.once(Endpoint::Token, Fault::LoginRedirect);
    let moved = vendor.refresh(&token).await;
    assert_eq!(location(&moved), "http://localhost:1/login");
    assert_eq!(vendor.counters().other_requests, 0);
    assert_eq!(get(&vendor, "/login", &[]).await.status(), 200);
    assert_eq!(vendor.counters().other_requests, 1);
    // Neither request was processed.
    assert_eq!(vendor.refresh(&token).await.status(), 200);
}

#[tokio::test]
async fn errors_can_be_html() {
    for (format, status) in [(ErrorFormat::Html400, 400), (ErrorFormat::Html500, 500)] {
        let vendor = qics(MilestonesOptions::default().error_format(format));
        let refused = vendor.refresh("nothing").await;
        assert_eq!(refused.status(), status);
        assert!(refused.body().starts_with(b"<!doctype html>"));
        assert_eq!(vendor.counters().outcomes("invalid_grant"), 1);
    }
}

#[tokio::test]
async fn only_the_documents_parameters_are_accepted() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    let parameters = refresh(&token);
    for extra in [
        ("redirect_uri", CALLBACK),
        ("scope", "all"),
        ("client_id", "app"),
    ] {
        let refused = vendor.token(&[&parameters[..], &[extra]].concat()).await;
        assert_eq!(error(&refused), "invalid_request", "{extra:?}");
    }
    for missing in 0..4 {
        let mut parameters = parameters.clone();
        let (name, _) = parameters.remove(missing);
        let refused = vendor.token(&parameters).await;
        assert_eq!(error(&refused), "invalid_request", "{name}");
    }
    let lenient = qics(MilestonesOptions::default().lenient_parameters());
    let token = lenient.issue().refresh_token;
    let accepted = lenient.refresh_with(&token, &[("scope", "all")]).await;
    assert_eq!(accepted.status(), 200);
}

#[tokio::test]
async fn a_verifier_is_ignored_and_no_other_parameter() {
    let vendor = default();
    let verifier = [("code_verifier", "v")];
    let code = vendor.code().await;
    for extra in [("scope", "all"), ("code_challenge", "c")] {
        let refused = vendor.exchange_with(&code, &[extra]).await;
        assert_eq!(error(&refused), "invalid_request", "{extra:?}");
    }
    let accepted = vendor.exchange_with(&code, &verifier).await;
    assert_eq!(accepted.status(), 200);
    let token = vendor.issue().refresh_token;
    let refused = vendor.refresh_with(&token, &verifier).await;
    assert_eq!(error(&refused), "invalid_request");
}

#[tokio::test]
async fn the_secret_belongs_in_the_body_only() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    let basic = async |pairs: &[(&str, &str)]| {
        let mut request = form_request(REQUESTS.token, pairs);
        set(&mut request, "authorization", "Basic YXBwOnMzJmNyZXQ=");
        error(&vendor.send(request).await)
    };
    assert_eq!(basic(&refresh(&token)[..2]).await, "invalid_client");
    assert_eq!(basic(&refresh(&token)).await, "invalid_request");
    let mut as_json = form_request(REQUESTS.token, &refresh(&token));
    set(&mut as_json, "content-type", "application/json");
    assert_eq!(error(&vendor.send(as_json).await), "invalid_request");
}

#[tokio::test]
async fn the_exchange_needs_the_authorized_redirect_uri() {
    let vendor = default();
    let code = vendor.code().await;
    let other = [("redirect_uri", CALLBACK)];
    let refused = vendor.exchange_with(&code, &other).await;
    assert_eq!(error(&refused), "invalid_grant");
    assert_eq!(vendor.exchange(&code).await.status(), 200);
}
