//! `POST /disconnect/{provider}`.

use axum::http::{Method, StatusCode};
use tokenkeeper_emulator::{DEFAULT_USER, Emulator};
use tokenkeeper_engine::{Error, protocol::TokenSet};

use crate::app::{self, App};

async fn connected() -> (Emulator, App) {
    let (emulator, provider) = app::ioffice().await;
    let app = App::with_routes(provider, |routes| routes.on_disconnected("/gone"));
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
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
    let ended = account.token().await;
    assert!(matches!(ended, Err(Error::Disconnected { .. })));
    let again = browser.post("/disconnect/ioffice").await;
    assert_eq!(again.location(), "/gone");
}

#[tokio::test]
async fn a_disconnect_needs_the_own_origin_and_a_signed_in_person() {
    let (_emulator, app) = connected().await;
    let mut browser = app.browser();
    for headers in [&[("origin", "https://evil.test")][..], &[]] {
        let answer = browser
            .send(Method::POST, "/disconnect/ioffice", headers, "")
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let get = browser.get("/disconnect/ioffice").await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    browser.person = None;
    let signed_out = browser.post("/disconnect/ioffice").await;
    assert_eq!(signed_out.status, StatusCode::FORBIDDEN);
    app.token("ioffice").await;
}

#[tokio::test]
async fn a_disconnect_keeps_other_peoples_accounts() {
    let (_emulator, app) = connected().await;
    let mut browser = app.browser();
    browser.person = Some("user-43");
    let answer = browser.post("/disconnect/ioffice").await;
    assert_eq!(answer.location(), "/gone");
    app.token("ioffice").await;
}
