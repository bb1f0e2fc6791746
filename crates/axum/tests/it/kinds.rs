//! Providers whose redirects differ from RFC 6749.

use axum::http::StatusCode;
use tokenkeeper_emulator::{Emulator, PlainOptions};
use tokenkeeper_engine::protocol::{Dialect, StateEcho};

use crate::app::{self, App, registered};
use crate::login::callback;

const PATH: &str = "/oauth/acme";

async fn plain(
    options: PlainOptions,
    change: impl FnOnce(&mut Dialect, &Emulator),
) -> (Emulator, App) {
    let emulator = Emulator::plain().options(options).client(registered(PATH));
    let emulator = emulator.start().await.unwrap();
    let mut dialect = Dialect::rfc6749("acme", emulator.base()).unwrap();
    change(&mut dialect, &emulator);
    let app = App::new(dialect.with(app::registration(PATH)).unwrap());
    (emulator, app)
}

#[tokio::test]
async fn parameters_of_other_names_find_their_login() {
    let options = PlainOptions::default()
        .redirect_name("code", "spapi_oauth_code")
        .redirect_name("state", "amazon_state")
        .redirect_name("error", "fault");
    let (emulator, app) = plain(options, |dialect, _| {
        let names = &mut dialect.authorization.callback;
        names.code = "spapi_oauth_code".to_owned();
        names.state = "amazon_state".to_owned();
        names.error = "fault".to_owned();
    })
    .await;
    let mut browser = app.browser();
    let first = callback(&mut browser, &emulator, "acme", "approve=1").await;
    let second = callback(&mut browser, &emulator, "acme", "deny=1").await;
    assert!(first.contains("?spapi_oauth_code=") && first.contains("&amazon_state="));
    assert!(second.contains("?fault=access_denied"), "{second}");
    let denied = browser.get(&second).await;
    assert!(denied.body.contains("Access was not given"));
    assert_eq!(browser.get(&first).await.location(), "/settings");
    let renamed = first.replace("amazon_state", "state");
    assert_eq!(browser.get(&renamed).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_issuer_of_the_dialect_is_required() {
    let issuer = |dialect: &mut Dialect, emulator: &Emulator| {
        dialect.authorization.issuer = Some(emulator.base().to_owned());
    };
    let (emulator, app) = plain(PlainOptions::default().issuer(), issuer).await;
    let mut browser = app.browser();
    let named = callback(&mut browser, &emulator, "acme", "approve=1").await;
    let (unnamed, _) = named.split_once("&iss=").unwrap();
    for other in [
        unnamed.to_owned(),
        format!("{unnamed}&iss=https%3A%2F%2Fevil.test"),
    ] {
        let answer = browser.get(&other).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{other}");
        assert!(answer.login_cookies().is_empty());
    }
    assert_eq!(emulator.counters().token_requests, 0);
    assert_eq!(browser.get(&named).await.location(), "/settings");

    // Denials too.
    let denied = callback(&mut browser, &emulator, "acme", "deny=1").await;
    let (unnamed, _) = denied.split_once("&iss=").unwrap();
    let answer = browser.get(unnamed).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get(&denied).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_denial_of_a_provider_that_omits_the_state_is_shown() {
    let options = PlainOptions::default().omit_state_on_denial();
    let (emulator, app) = plain(options, |dialect, _| {
        dialect.authorization.state_echo = StateEcho::Unknown;
    })
    .await;
    let mut browser = app.browser();
    let denied = callback(&mut browser, &emulator, "acme", "deny=1").await;
    assert_eq!(denied, format!("{PATH}?error=access_denied"));
    let answer = browser.get(&denied).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Access was not given"));
    assert!(answer.login_cookies().is_empty());
    let approved = callback(&mut browser, &emulator, "acme", "approve=1").await;
    assert_eq!(browser.get(&approved).await.location(), "/settings");
}
