//! `POST /connect/{provider}`.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use tokenkeeper_engine::{
    Options,
    protocol::{Dialect, Registration, SitePolicy},
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;

use crate::app::{self, App, OWN};

fn amiqus() -> App {
    App::new(Amiqus::new(app::registration("/oauth/amiqus")).unwrap())
}

/// A provider with these lines in the dialect's section `authorization`.
fn example(authorization: &str) -> App {
    let dialect = format!(
        r#"
        brand = "example"
        base = "https://id.example"
        [token]
        endpoint = "/token"
        [authorization]
        endpoint = "/authorize"
        {authorization}
        "#
    );
    let dialect = Dialect::from_toml(&dialect).unwrap();
    App::new(dialect.with(app::registration("/cb")).unwrap())
}

const STATE_IN_REDIRECT_URI: &str = r#"
    state = { redirect_uri = "flow" }
    redirect_rule = "extra_query"
"#;

#[tokio::test]
async fn the_browser_is_redirected_with_the_flow_in_a_cookie() {
    let app = amiqus();
    let answer = app.browser().post("/connect/amiqus").await;

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = "https://id.amiqus.co/oauth/authorize?client_id=my-client&";
    assert!(answer.location().starts_with(page));
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let cookies = answer.set_cookies();
    let (pair, attributes) = cookies[0].split_once("; ").unwrap();
    assert_eq!(cookies.len(), 1);
    assert!(pair.starts_with("__Host-tokenkeeper.amiqus."), "{pair}");
    let (attributes, age) = attributes.split_once("; Max-Age=").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
    assert!((1..=600).contains(&age.parse::<u32>().unwrap()), "{age}");
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_the_flow() {
    let options = Options::new().login_timeout(Duration::from_secs(3600));
    let provider = Amiqus::new(app::registration("/oauth/amiqus")).unwrap();
    let accounts = app::accounts().provider(provider).options(options);
    let app = App::with(accounts.build().unwrap(), |routes| routes);
    let answer = app.browser().post("/connect/amiqus").await;
    let (_, age) = answer.set_cookies()[0].split_once("Max-Age=").unwrap();
    assert!((601..=3600).contains(&age.parse::<u32>().unwrap()), "{age}");
}

#[tokio::test]
async fn the_cookies_name_holds_no_state() {
    let app = amiqus();
    let answer = app.browser().post("/connect/amiqus").await;
    let (_, state) = answer.location().split_once("state=").unwrap();
    assert!(!answer.set_cookies()[0].contains(state));
}

#[tokio::test]
async fn on_loopback_http_the_cookie_has_a_plain_name() {
    let registration = Registration::new("my-client", "http://127.0.0.1:3000/cb");
    let app = App::new(Amiqus::new(registration.secret("s3cr3t")).unwrap());
    let headers = [("origin", "http://127.0.0.1:3000")];
    let answer = app
        .browser()
        .send(Method::POST, "/connect/amiqus", &headers, "")
        .await;

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookie = answer.set_cookies()[0];
    assert!(cookie.starts_with("tokenkeeper.amiqus."), "{cookie}");
    assert!(
        cookie.contains("; HttpOnly; SameSite=Lax; Path=/; Max-Age="),
        "{cookie}"
    );
}

#[tokio::test]
async fn a_login_is_not_started_by_another_origin() {
    let app = amiqus();
    let foreign: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("origin", "http://app.example")],
        &[("sec-fetch-site", "same-site")],
    ];
    for headers in foreign {
        let answer = app
            .browser()
            .send(Method::POST, "/connect/amiqus", headers, "")
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.set_cookies().is_empty());
    }
    // A link shows a button, and starts nothing.
    let get = app.browser().get("/connect/amiqus").await;
    assert_eq!(get.status, StatusCode::OK);
    assert!(get.set_cookies().is_empty() && !get.body.contains("id.amiqus.co"));
    let hidden = [("origin", "null"), ("sec-fetch-site", "same-origin")];
    let own = app
        .browser()
        .send(Method::POST, "/connect/amiqus", &hidden, "")
        .await;
    assert_eq!(own.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_login_needs_a_known_provider_and_a_signed_in_person() {
    let app = amiqus();
    let mut browser = app.browser();
    let unknown = browser.post("/connect/unknown").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    browser.person = None;
    let answer = browser.post("/connect/amiqus").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("not signed in"));
}

#[tokio::test]
async fn a_tenant_names_its_site_in_the_query_or_the_form() {
    let provider = IOffice::new(app::registration("/oauth/ioffice")).unwrap();
    let app = App::new(provider.sites(SitePolicy::subdomains_of("ioffice.example")));
    let mut browser = app.browser();

    let path = "/connect/ioffice";
    let login_page = "https://acme.ioffice.example/login.html?";

    let query = format!("{path}?site=acme.ioffice.example");
    let query = browser.post(&query).await;
    assert_eq!(query.status, StatusCode::SEE_OTHER);
    assert!(query.location().starts_with(login_page));

    let content_type = "application/x-www-form-urlencoded; charset=utf-8";
    let form = [("origin", OWN), ("content-type", content_type)];
    let typed = "site=Acme.ioffice.example";
    let typed = browser.send(Method::POST, path, &form, typed).await;
    assert!(typed.location().starts_with(login_page));

    for site in [
        "",
        "?site=evil.test",
        "?site=127.0.0.1",
        "?site=not%20a%20host",
    ] {
        let refused = browser.post(&format!("{path}{site}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{site}");
    }
    let long = format!("site={}", "a".repeat(5000));
    let refused = browser.send(Method::POST, path, &form, &long).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_provider_that_returns_the_state_may_have_four_logins() {
    let app = amiqus();
    let mut browser = app.browser();
    for in_progress in [1, 2, 3, 4, 4, 4] {
        browser.post("/connect/amiqus").await;
        assert_eq!(browser.cookies.len(), in_progress);
    }
}

#[tokio::test]
async fn a_provider_that_may_not_return_the_state_has_one_login() {
    for authorization in [r#"state_echo = "unknown""#, STATE_IN_REDIRECT_URI] {
        let mut browser = example(authorization).browser();
        for _ in 0..2 {
            let answer = browser.post("/connect/example").await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            let names: Vec<_> = browser.cookies.keys().collect();
            assert_eq!(names, ["__Host-tokenkeeper.example.flow"]);
        }
    }
}

#[tokio::test]
async fn a_state_is_ignored_if_the_redirect_uri_carries_it() {
    let mut browser = example(STATE_IN_REDIRECT_URI).browser();
    browser.post("/connect/example").await;
    let answer = browser.get("/cb?error=access_denied&state=x").await;
    assert!(answer.body.contains("Access was not given"), "{answer:?}");
}
