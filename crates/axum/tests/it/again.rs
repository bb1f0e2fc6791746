//! Callbacks that come early, twice or after the login.

use std::time::Duration;

use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use tokenkeeper_emulator::{Endpoint, Fault};
use tokenkeeper_engine::Options;

use crate::app::{self, App};
use crate::login::{Login, callback};

#[tokio::test]
async fn a_prefetch_does_not_finish_a_login() {
    let mut login = Login::approved().await;
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let (browser, path) = (&mut login.browser, &login.path);
        let answer = browser.send(Method::GET, path, &[(name, value)], "").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn head_does_not_finish_a_login() {
    let mut login = Login::approved().await;
    let (browser, path) = (&mut login.browser, &login.path);
    let answer = browser.send(Method::HEAD, path, &[], "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn two_callbacks_at_once_both_end_well() {
    let mut login = Login::approved().await;
    let gate = login.emulator.faults().hold(Endpoint::Token);
    let mut other = login.app.browser();
    other.cookies = login.browser.cookies.clone();
    let path = login.path.clone();
    let second = tokio::spawn(async move { other.get(&path).await });
    gate.arrived(1).await;
    let release = async { gate.release() };
    let (first, ()) = tokio::join!(login.finish(), release);
    assert_eq!(first.location(), "/settings");
    assert_eq!(second.await.unwrap().location(), "/settings");
    assert_eq!(login.emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn a_reload_after_success_leads_to_the_same_page() {
    let mut login = Login::approved().await;
    let cookies = login.browser.cookies.clone();
    for _ in 0..3 {
        assert_eq!(login.finish().await.location(), "/settings");
    }
    // A browser may also have missed the first response.
    login.browser.cookies = cookies;
    assert_eq!(login.finish().await.location(), "/settings");
    assert_eq!(login.emulator.counters().exchanges(), 1);
    assert_eq!(login.token_requests(), 1);
}

/// The page of a reload needs the flow.
#[tokio::test]
async fn the_cookie_of_a_success_lives_as_long_as_the_flow() {
    let (emulator, provider) = app::amiqus().await;
    let options = Options::new().login_timeout(Duration::from_secs(3600));
    let accounts = app::accounts().provider(provider).options(options);
    let app = App::with(accounts.build().unwrap(), |routes| routes);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let answer = browser.get(&path).await;
    let cookie = answer.set_cookies()[0];
    let (attributes, age) = cookie.split_once("; Max-Age=").unwrap();
    assert!(attributes.contains("=connected."), "{cookie}");
    assert!(attributes.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"));
    assert!((601..=3600).contains(&age.parse::<u32>().unwrap()), "{age}");
}

#[tokio::test]
async fn a_reload_is_for_the_signed_in_and_connected_person_only() {
    let mut login = Login::approved().await;
    login.finish().await;
    for (person, text) in [
        (None, "not signed in"),
        (Some("user-43"), "Someone else started"),
    ] {
        login.browser.person = person;
        let answer = login.finish().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains(text), "{}", answer.body);
    }
    login.browser.person = Some("user-42");
    assert_eq!(login.finish().await.location(), "/settings");
    login.browser.post("/disconnect/amiqus").await;
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("No login is in progress"));
}

fn invalid_client() -> Fault {
    let body = Bytes::from_static(br#"{"error":"invalid_client"}"#);
    let refusal = Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .body(body);
    Fault::Answer(refusal.unwrap())
}

#[tokio::test]
async fn a_reload_after_a_failure_shows_the_failure() {
    for (fault, status, text) in [
        (
            Fault::HtmlServerError,
            StatusCode::BAD_GATEWAY,
            "gave no access. Start the login again",
        ),
        (
            Fault::status(400),
            StatusCode::BAD_GATEWAY,
            "gave no access. Start the login again",
        ),
        (
            invalid_client(),
            StatusCode::INTERNAL_SERVER_ERROR,
            "configuration is corrected",
        ),
    ] {
        let mut login = Login::approved().await;
        login.emulator.faults().once(Endpoint::Token, fault);
        for _ in 0..3 {
            let answer = login.finish().await;
            assert_eq!(answer.status, status);
            assert!(answer.body.contains(text), "{}", answer.body);
        }
        assert_eq!(login.token_requests(), 1);
        // The next login is not affected.
        let (browser, emulator) = (&mut login.browser, &login.emulator);
        let path = callback(browser, emulator, "amiqus", "approve=1").await;
        assert_eq!(login.browser.cookies.len(), 1);
        assert_eq!(login.browser.get(&path).await.location(), "/settings");
    }
}

#[tokio::test]
async fn a_reload_after_a_denial_shows_the_denial() {
    let mut login = Login::new(app::amiqus().await, "deny=1", |routes| routes).await;
    for _ in 0..2 {
        let answer = login.finish().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("Access was not given"));
        assert!(answer.body.contains("Start the login again"));
    }
}

/// The code is still good: the person who tries again must not start again.
#[tokio::test]
async fn a_reload_after_a_busy_endpoint_finishes_the_login() {
    let mut login = Login::approved().await;
    login
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::status(429));
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("Try again in a while"));
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a_forged_outcome_shows_no_text_of_the_cookie() {
    let mut login = Login::approved().await;
    let (name, _) = login.browser.cookies.pop_first().unwrap();
    for forged in ["connected.AAAA", "<script>", "connected.", "no-flow"] {
        login.browser.cookies.insert(name.clone(), forged.into());
        let answer = login.finish().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{forged}");
        assert!(answer.body.contains("No login is in progress"));
    }
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn outcomes_do_not_count_as_logins_in_progress() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    for click in ["deny=1", "approve=1", "deny=1"] {
        let path = callback(&mut browser, &emulator, "amiqus", click).await;
        browser.get(&path).await;
        assert_eq!(browser.logins().len(), 1, "of the last login");
    }
    let answer = browser.get("/oauth/amiqus?code=x&state=y").await;
    assert!(answer.body.contains("No login is in progress"));
}
