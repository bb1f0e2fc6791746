//! Callbacks with the answer in the query.

use axum::http::{Method, StatusCode};
use tokenkeeper_emulator::{Endpoint, Fault};

use crate::app::{self, App, Browser};

/// Starts a login and clicks at the provider; the callback's path and query.
async fn callback(
    browser: &mut Browser<'_>,
    emulator: &tokenkeeper_emulator::Emulator,
    brand: &str,
    click: &str,
) -> String {
    let started = browser.post(&format!("/connect/{brand}")).await;
    app::at_provider(emulator, started.location(), click)
        .await
        .0
}

#[tokio::test]
async fn a_login_ends_connected_and_shows_no_token() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;

    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/settings");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert!(browser.cookies.is_empty());
    assert_eq!(emulator.counters().exchanges(), 1);

    let token = app
        .accounts
        .account("amiqus", "user-42")
        .unwrap()
        .token()
        .await
        .unwrap();
    assert!(!browser.seen.contains(token.expose()));
    let (_, code) = path.split_once("code=").unwrap();
    let code = code.split('&').next().unwrap();
    assert!(!browser.seen.contains(code));
    assert!(!browser.seen.contains("s3cr3t"));
}

#[tokio::test]
async fn q3_a_flow_that_is_missing_wrong_or_doubled_is_refused() {
    let (emulator, provider) = app::qics().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let right = callback(&mut browser, &emulator, "qics-milestones", "approve=1").await;
    let (_, query) = right.split_once('?').unwrap();
    let (flow, code) = query.split_once('&').unwrap();
    assert!(
        flow.starts_with("flow=") && code.starts_with("code="),
        "{query}"
    );

    for wrong in [
        code.to_owned(),
        format!("flow=x&{code}"),
        format!("{flow}&{flow}&{code}"),
    ] {
        let answer = browser.get(&format!("/oauth/qics?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(answer.body.contains("does not belong to the login"));
    }
    assert_eq!(emulator.counters().token_requests, 0);
    // What somebody else made up does not end the login under way.
    assert_eq!(browser.get(&right).await.location(), "/settings");
}

#[tokio::test]
async fn q3b_a_denial_without_flow_ends_the_flow() {
    let (emulator, provider) = app::qics().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let denial = callback(&mut browser, &emulator, "qics-milestones", "deny=1").await;
    assert_eq!(denial, "/oauth/qics?error=access_denied");
    let cookies = browser.cookies.clone();
    assert_eq!(cookies.len(), 1);

    let answer = browser.get(&denial).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Access was not given"));
    assert!(browser.cookies.is_empty());
    // The flow is over, not only its cookie.
    browser.cookies = cookies;
    assert!(browser.get(&denial).await.body.contains("finished before"));
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn q3b_a_denial_without_a_flow_cookie_is_no_denial() {
    let (_emulator, provider) = app::qics().await;
    let app = App::new(provider);
    let answer = app.browser().get("/oauth/qics?error=access_denied").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("No login is under way"));
}

#[tokio::test]
async fn a_state_mismatch_is_refused_without_an_exchange() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let right = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let (before, _) = right.split_once("&state=").unwrap();
    let state = right.split_once("&state=").unwrap().1;

    for wrong in [
        "",
        "&state=",
        "&state=x",
        &format!("&state={state}&state={state}"),
    ] {
        let answer = browser.get(&format!("{before}{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(emulator.counters().token_requests, 0);
    assert_eq!(browser.get(&right).await.location(), "/settings");
}

#[tokio::test]
async fn a4_a_denial_is_told_with_and_without_its_state() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    for denial in [
        None,
        Some("/oauth/amiqus?error=access_denied&state="),
        Some("/oauth/amiqus?error=access_denied"),
    ] {
        let mut browser = app.browser();
        let as_is = callback(&mut browser, &emulator, "amiqus", "deny=1").await;
        let answer = browser.get(denial.unwrap_or(&as_is)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("Access was not given"));
        assert!(browser.cookies.is_empty());
    }
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_denial_without_state_ends_none_of_two_logins() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let first = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let second = callback(&mut browser, &emulator, "amiqus", "approve=1").await;

    let answer = browser.get("/oauth/amiqus?error=access_denied").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.cookies.len(), 2);
    // Both can still be finished, in either order.
    assert_eq!(browser.get(&second).await.location(), "/settings");
    assert_eq!(browser.cookies.len(), 1);
    assert_eq!(browser.get(&first).await.location(), "/settings");
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a5_code_and_error_together_are_refused() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let answer = browser.get(&format!("{path}&error=access_denied")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(emulator.counters().token_requests, 0);
    // Somebody else may have sent it: the login under way stays.
    assert_eq!(browser.get(&path).await.location(), "/settings");
}

#[tokio::test]
async fn a_callback_has_to_arrive_at_its_own_path() {
    let (emulator, amiqus) = app::amiqus().await;
    let (_, qics) = app::qics().await;
    let accounts = app::accounts()
        .provider(amiqus)
        .provider(qics)
        .build()
        .unwrap();
    let app = App::with(accounts, |routes| routes);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let elsewhere = path.replace("/oauth/amiqus", "/oauth/qics");

    // No flow of that provider is under way,
    assert!(
        browser
            .get(&elsewhere)
            .await
            .body
            .contains("No login is under way")
    );
    // and one that somebody moved to its cookie is not taken for its own.
    let (name, flow) = browser.cookies.pop_first().unwrap();
    assert!(name.starts_with("__Host-tokenkeeper.amiqus."));
    browser
        .cookies
        .insert("__Host-tokenkeeper.qics-milestones.flow".into(), flow);
    let answer = browser.get(&elsewhere).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("another provider"));
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn only_who_started_the_login_finishes_it() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;

    browser.person = None;
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("not signed in"));
    browser.person = Some("user-43");
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Somebody else"));
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn without_its_cookie_or_with_a_made_up_one_a_callback_is_refused() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;

    let (name, _) = browser.cookies.pop_first().unwrap();
    assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN);
    browser.cookies.insert(name, "AAAA".into());
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(browser.cookies.is_empty());
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_callback_that_is_replayed_is_told_so() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let cookies = browser.cookies.clone();
    assert_eq!(browser.get(&path).await.location(), "/settings");
    browser.cookies = cookies;
    assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn head_finishes_nothing() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let answer = browser.send(Method::HEAD, &path, &[], "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(browser.get(&path).await.location(), "/settings");
}

#[tokio::test]
async fn a_refused_exchange_is_a_bad_gateway_and_shows_nothing_of_it() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    emulator
        .faults()
        .once(Endpoint::Token, Fault::HtmlServerError);
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.body.contains("The provider gave no access"));
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn failures_go_where_the_application_says() {
    let (emulator, provider) = app::amiqus().await;
    let accounts = app::accounts().provider(provider).build().unwrap();
    let app = App::with(accounts, |routes| {
        routes.on_failed("/settings?tab=accounts")
    });
    let mut browser = app.browser();
    let denial = callback(&mut browser, &emulator, "amiqus", "deny=1").await;
    let answer = browser.get(&denial).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/settings?tab=accounts&failure=denied");
    let answer = browser.get("/oauth/amiqus?code=x&state=y").await;
    assert_eq!(answer.location(), "/settings?tab=accounts&failure=no-flow");
}
