//! `POST /disconnect/{provider}`.

use axum::http::{Method, StatusCode};
use tokenkeeper_engine::{Error, protocol::TokenSet};

use crate::app::{self, App};

async fn connected() -> (tokenkeeper_emulator::Emulator, App) {
    let (emulator, provider) = app::ioffice().await;
    let accounts = app::accounts().provider(provider).build().unwrap();
    let app = App::with(accounts, |routes| routes.on_disconnected("/gone"));
    let tokens = emulator
        .issue_tokens(tokenkeeper_emulator::DEFAULT_USER)
        .unwrap();
    let set = TokenSet::new(tokens.access_token).with_refresh_token(tokens.refresh_token);
    let account = app.accounts.account("ioffice", "user-42").unwrap();
    account.adopt(set.with_scope("email")).await.unwrap();
    (emulator, app)
}

#[tokio::test]
async fn a_disconnect_ends_the_account_and_revokes_its_tokens() {
    let (emulator, app) = connected().await;
    let mut browser = app.browser();
    let answer = browser.post("/disconnect/ioffice").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/gone");
    assert_eq!(emulator.counters().revocations, 2);
    let account = app.accounts.account("ioffice", "user-42").unwrap();
    assert!(matches!(
        account.token().await,
        Err(Error::Disconnected { .. })
    ));
    // What is asked for again is so.
    assert_eq!(
        browser.post("/disconnect/ioffice").await.location(),
        "/gone"
    );
}

#[tokio::test]
async fn a_disconnect_is_not_started_from_elsewhere_or_by_nobody() {
    let (_emulator, app) = connected().await;
    let mut browser = app.browser();
    for headers in [&[("origin", "https://evil.test")][..], &[]] {
        let answer = browser
            .send(Method::POST, "/disconnect/ioffice", headers, "")
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(
        browser.get("/disconnect/ioffice").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    browser.person = None;
    assert_eq!(
        browser.post("/disconnect/ioffice").await.status,
        StatusCode::FORBIDDEN
    );
    assert!(
        app.accounts
            .account("ioffice", "user-42")
            .unwrap()
            .token()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_disconnect_ends_nobody_elses_account() {
    let (_emulator, app) = connected().await;
    let mut browser = app.browser();
    browser.person = Some("user-43");
    assert_eq!(
        browser.post("/disconnect/ioffice").await.location(),
        "/gone"
    );
    assert!(
        app.accounts
            .account("ioffice", "user-42")
            .unwrap()
            .token()
            .await
            .is_ok()
    );
}
