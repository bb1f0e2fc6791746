//! Callbacks with the answer in the query.

use axum::http::StatusCode;
use tokenkeeper_axum::Routes;
use tokenkeeper_emulator::{Endpoint, Fault};

use crate::app::{self, App};
use crate::login::{Login, callback};

#[tokio::test]
async fn a_login_connects_and_shows_no_token() {
    let mut login = Login::approved().await;
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/settings");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert_eq!(login.emulator.counters().exchanges(), 1);

    let token = login.app.token("amiqus").await;
    let (_, code) = login.path.split_once("code=").unwrap();
    let code = code.split('&').next().unwrap();
    for secret in [&token, code, "s3cr3t"] {
        assert!(!login.browser.seen.contains(secret));
    }
}

#[tokio::test]
async fn q3_a_missing_wrong_or_doubled_flow_is_refused() {
    let mut login = Login::new(app::qics().await, "approve=1", |routes| routes).await;
    let (_, query) = login.path.split_once('?').unwrap();
    let (flow, code) = query.split_once('&').unwrap();
    assert!(flow.starts_with("flow=") && code.starts_with("code="));

    for wrong in [
        code.to_owned(),
        format!("flow=x&{code}"),
        format!("{flow}&{flow}&{code}"),
    ] {
        let answer = login.browser.get(&format!("/oauth/qics?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(answer.body.contains("does not belong to the login"));
    }
    assert_eq!(login.token_requests(), 0);
    // A forged redirect does not end the login in progress.
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn q3b_a_denial_without_flow_is_shown_and_ends_nothing() {
    let mut login = Login::new(app::qics().await, "approve=1", |routes| routes).await;
    for _ in 0..2 {
        // QICS answers so if the person declines, and any other page may send the same.
        let answer = login.browser.get("/oauth/qics?error=access_denied").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("Access was not given"));
        assert!(answer.login_cookies().is_empty());
    }
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn q3b_a_denial_without_a_flow_cookie_is_no_denial() {
    let (_emulator, provider) = app::qics().await;
    let app = App::new(provider);
    let answer = app.browser().get("/oauth/qics?error=access_denied").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("No login is in progress"));
}

#[tokio::test]
async fn a_state_mismatch_is_refused_without_an_exchange() {
    let mut login = Login::approved().await;
    let (before, state) = login.path.split_once("&state=").unwrap();
    for wrong in [
        String::new(),
        "&state=".to_owned(),
        "&state=x".to_owned(),
        format!("&state={state}&state={state}"),
    ] {
        let answer = login.browser.get(&format!("{before}{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a4_a_denial_with_its_state_ends_the_login() {
    let mut login = Login::new(app::amiqus().await, "deny=1", |routes| routes).await;
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Access was not given"));
    assert_eq!(login.browser.logins(), ["denied."]);
    assert_eq!(login.token_requests(), 0);
}

/// Amiqus always returns the state, so another page sent this.
#[tokio::test]
async fn a4_a_denial_without_its_state_ends_nothing() {
    let mut login = Login::approved().await;
    for denial in [
        "/oauth/amiqus?error=access_denied&state=",
        "/oauth/amiqus?error=access_denied",
        "/oauth/amiqus?error=access_denied&state=x",
    ] {
        let answer = login.browser.get(denial).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("does not belong to the login"));
        assert!(answer.login_cookies().is_empty());
    }
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a_denials_text_is_escaped_and_bounded() {
    let mut login = Login::new(app::amiqus().await, "deny=1", |routes| routes).await;
    let long = "a".repeat(5000);
    let text = format!("%3Cscript%3Ealert(1)%3C%2Fscript%3E%26%27{long}");
    let denial = format!("{}&error_description={text}", login.path);
    let body = login.browser.get(&denial).await.body;
    assert!(body.contains("The provider says: “&lt;script&gt;alert(1)&lt;/script&gt;&amp;'a"));
    let is_long = body.contains(&long[..300]);
    assert!(!body.contains("<script>") && !is_long, "{body}");
}

#[tokio::test]
async fn an_unlisted_error_code_is_not_shown() {
    let mut login = Login::new(app::amiqus().await, "deny=1", |routes| routes).await;
    let code = login
        .path
        .replace("access_denied", "Your-bank-details-please");
    let answer = login.browser.get(&code).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        !login.browser.seen.contains("bank"),
        "{}",
        login.browser.seen
    );
}

/// Only the provider knows the state: another page's text must not reach the person.
#[tokio::test]
async fn a_text_without_a_state_is_not_shown() {
    let mut login = Login::new(app::qics().await, "deny=1", |routes| routes).await;
    let text = "/oauth/qics?error=access_denied&error_description=call+0900";
    let answer = login.browser.get(text).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!answer.body.contains("0900"), "{}", answer.body);
}

#[tokio::test]
async fn unreadable_redirects_end_nothing() {
    let mut login = Login::approved().await;
    let (_, state) = login.path.split_once("&state=").unwrap();
    for query in [
        format!("code=%ff&state={state}"),
        format!("code=c&code=d&state={state}"),
        format!("code=&state={state}"),
        format!("error=&state={state}"),
        format!("Code=c&state={state}"),
        format!("code=c&state={}", state.to_uppercase()),
        format!("code=c&State={state}"),
        format!("code=c&state={state}%20"),
    ] {
        let answer = login.browser.get(&format!("/oauth/amiqus?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query:.80}");
        assert!(answer.login_cookies().is_empty());
    }
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a_denial_without_state_ends_neither_of_two_logins() {
    let mut login = Login::approved().await;
    let browser = &mut login.browser;
    let second = callback(browser, &login.emulator, "amiqus", "approve=1").await;

    let answer = browser.get("/oauth/amiqus?error=access_denied").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.logins().len(), 2);
    // Both can still be finished, in either order.
    assert_eq!(browser.get(&second).await.location(), "/settings");
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a5_a_code_with_an_error_is_refused() {
    let mut login = Login::approved().await;
    let both = format!("{}&error=access_denied", login.path);
    let answer = login.browser.get(&both).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(login.token_requests(), 0);
    // Anyone may have sent it, so the login in progress stays.
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a_callback_must_arrive_at_its_own_path() {
    let (emulator, amiqus) = app::amiqus().await;
    let (_, qics) = app::qics().await;
    let accounts = app::accounts().provider(amiqus).provider(qics);
    let app = App::with(accounts.build().unwrap(), |routes| routes);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let elsewhere = path.replace("/oauth/amiqus", "/oauth/qics");

    // No flow of that provider is in progress,
    let answer = browser.get(&elsewhere).await;
    assert!(answer.body.contains("No login is in progress"));
    // and a flow of another one in its cookie is not accepted.
    let (name, flow) = browser.cookies.pop_first().unwrap();
    assert!(name.starts_with("__Host-tokenkeeper.amiqus."));
    let foreign = "__Host-tokenkeeper.qics-milestones.flow";
    browser.cookies.insert(foreign.into(), flow);
    let answer = browser.get(&elsewhere).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("another provider"));
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn only_the_person_who_started_the_login_finishes_it() {
    let mut login = Login::approved().await;
    for (person, text) in [
        (None, "not signed in"),
        (Some("user-43"), "Someone else started"),
    ] {
        login.browser.person = person;
        let answer = login.finish().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains(text), "{}", answer.body);
    }
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn a_callback_with_no_cookie_or_a_forged_one_is_refused() {
    let mut login = Login::approved().await;
    let (name, _) = login.browser.cookies.pop_first().unwrap();
    assert_eq!(login.finish().await.status, StatusCode::FORBIDDEN);
    login.browser.cookies.insert(name, "AAAA".into());
    assert_eq!(login.finish().await.status, StatusCode::FORBIDDEN);
    assert!(login.browser.logins().is_empty());
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn a_refused_exchange_is_a_bad_gateway_without_its_text() {
    let mut login = Login::approved().await;
    let faults = login.emulator.faults();
    faults.once(Endpoint::Token, Fault::HtmlServerError);
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.body.contains("The provider gave no access"));
}

#[tokio::test]
async fn failures_redirect_to_the_path_of_the_application() {
    let on_failed = |routes: Routes| routes.on_failed("/settings?tab=accounts");
    let mut login = Login::new(app::amiqus().await, "deny=1", on_failed).await;
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/settings?tab=accounts&failure=denied");
    let answer = login.browser.get("/oauth/amiqus?code=x&state=y").await;
    assert_eq!(answer.location(), "/settings?tab=accounts&failure=no-flow");
}
