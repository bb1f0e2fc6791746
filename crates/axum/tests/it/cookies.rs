//! Cookies of others: other parts of the host, and other providers.

use axum::http::{Method, StatusCode};
use tokenkeeper_engine::protocol::{Dialect, Provider, Registration};

use crate::app::{self, App, Browser, OWN};
use crate::login::Login;

/// An application with ten providers.
fn ten_providers() -> App {
    let accounts = (0..10)
        .map(provider)
        .fold(app::accounts(), |accounts, provider| {
            accounts.provider(provider)
        });
    App::with(accounts.build().unwrap(), |routes| routes)
}

fn provider(number: usize) -> impl Provider {
    let dialect = Dialect::rfc6749(&format!("provider-{number}"), "https://id.example").unwrap();
    let redirect_uri = format!("{OWN}/cb/{number}");
    let registration = Registration::new("my-client", redirect_uri).secret("s3cr3t");
    dialect.with(registration).unwrap()
}

fn bytes(browser: &Browser) -> usize {
    let cookies = browser.cookies.iter();
    cookies.map(|(name, value)| name.len() + value.len()).sum()
}

#[tokio::test]
async fn cookies_of_others_may_hold_any_bytes() {
    let mut login = Login::approved().await;
    let (name, value) = login.browser.cookies.pop_first().unwrap();
    let before = b"theme=\xff\xfe; =; ;; \"; name=J\xf6rg; ";
    let after = b"; last=\xc3\xa4\t";
    let own = format!("{name}={value}");
    login.browser.raw_cookies = [&before[..], own.as_bytes(), after].concat();
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn logins_at_many_providers_have_a_common_bound() {
    let app = ten_providers();
    let mut browser = app.browser();
    for number in 0..10 {
        for _ in 0..2 {
            let answer = browser.post(&format!("/connect/provider-{number}")).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            assert!(bytes(&browser) <= 4096, "{}", bytes(&browser));
        }
        let newest = format!("__Host-tokenkeeper.provider-{number}.");
        let mut names = browser.cookies.keys();
        assert!(names.any(|name| name.starts_with(&newest)));
    }
}

#[tokio::test]
async fn cookies_of_others_stay_at_the_bound() {
    let app = ten_providers();
    let mut browser = app.browser();
    let large = "x".repeat(5000);
    browser.cookies.insert("session".to_owned(), large.clone());
    for number in 0..10 {
        browser.post(&format!("/connect/provider-{number}")).await;
    }
    assert_eq!(browser.cookies["session"], large);
}

#[tokio::test]
async fn a_login_that_fits_in_no_cookie_is_refused() {
    let client_id = "c".repeat(1024);
    let redirect_uri = format!("{OWN}/{}", "r".repeat(2000));
    let dialect = Dialect::rfc6749("example", "https://id.example").unwrap();
    let registration = Registration::new(client_id, redirect_uri).secret("s3cr3t");
    let app = App::new(dialect.with(registration).unwrap());
    let mut browser = app.browser();
    let answer = browser.post("/connect/example").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn the_code_of_a_failed_callback_leaves_the_address() {
    for click in ["approve=1", "deny=1"] {
        let mut login = Login::new(app::amiqus().await, click, |routes| routes).await;
        // The person has signed out.
        login.browser.person = if click == "approve=1" {
            None
        } else {
            Some("user-42")
        };
        let path = login.path.clone();
        let answer = login.browser.once(Method::GET, &path, &[], "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let (page, failure) = answer.location().split_once("?failed=").unwrap();
        assert_eq!(page, "/oauth/amiqus");
        assert!(["signed-out", "denied"].contains(&failure), "{failure}");
    }
}

#[tokio::test]
async fn the_providers_text_is_shown_once_more_on_a_reload() {
    let mut login = Login::new(app::amiqus().await, "deny=1", |routes| routes).await;
    let denial = format!("{}&error_description=no;+thanks,+%3Cb%3E", login.path);
    let shown = "The provider says: “no; thanks, &lt;b&gt;”";
    assert!(login.browser.get(&denial).await.body.contains(shown));
    let reload = login.browser.get("/oauth/amiqus?failed=denied").await;
    assert!(reload.body.contains(shown));
    let other = login.browser.get("/oauth/amiqus?failed=expired").await;
    assert!(!other.body.contains("The provider says"));
}

#[tokio::test]
async fn a_page_of_no_failure_is_a_callback_without_a_login() {
    let mut browser = ten_providers().browser();
    for query in ["failed=x", "failed=", "failed=denied&code=x"] {
        let answer = browser.get(&format!("/cb/1?{query}")).await;
        assert!(answer.body.contains("No login is in progress"), "{query}");
    }
}
