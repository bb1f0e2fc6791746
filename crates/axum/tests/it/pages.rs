//! The built-in pages, and the application's page about a failure.

use axum::http::{Method, StatusCode};
use tokenkeeper_axum::{FailurePage, NextStep, Routes};
use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault};
use tokenkeeper_engine::protocol::SitePolicy;
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;

use crate::{
    app::{self, App, OWN},
    login::{Login, callback},
};

fn amiqus() -> App {
    let provider = Amiqus::new(app::registration("/oauth/amiqus")).unwrap();
    App::with_routes(provider, |routes| {
        routes.display_name("amiqus", "Amiqus").back_to("/settings")
    })
}

#[tokio::test]
async fn a_link_shows_a_button_that_connects() {
    let app = amiqus();
    let mut browser = app.browser();
    let page = browser
        .get("/connect/amiqus?next=/checks%3Fa%3Db%26c")
        .await;
    for part in [
        "<html lang=\"en\">",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        "<meta name=\"color-scheme\" content=\"light dark\">",
        "<title>Connect to Amiqus</title>",
        "<form id=\"connect\" method=\"post\" action=\"/connect/amiqus\">",
        "<input type=\"hidden\" name=\"next\" value=\"/checks?a=b&amp;c\">",
        "<a class=\"button\" id=\"back\" href=\"/checks?a=b&amp;c\">Back</a>",
    ] {
        assert!(page.body.contains(part), "no {part} in {}", page.body);
    }
    assert!(!page.body.contains("<script"));
}

#[tokio::test]
async fn a_page_to_connect_says_that_the_person_is_connected() {
    let mut login = Login::approved().await;
    let notice = "<p id=\"connected\">You are connected.";
    let before = login.browser.get("/connect/amiqus").await;
    assert!(!before.body.contains("id=\"connected\""), "{}", before.body);
    login.finish().await;
    let connected = login.browser.get("/connect/amiqus").await;
    assert!(connected.body.contains(notice), "{}", connected.body);
    assert!(connected.body.contains("Connect again</button>"));

    // A person whose access was revoked is here because of that.
    login.emulator.revoke_user(DEFAULT_USER);
    let account = login.app.accounts.account("amiqus", "user-42").unwrap();
    account.refresh().await.unwrap_err();
    let revoked = login.browser.get("/connect/amiqus").await;
    assert!(
        !revoked.body.contains("id=\"connected\""),
        "{}",
        revoked.body
    );
}

#[tokio::test]
async fn a_page_to_connect_asks_for_a_tenants_site() {
    let provider = IOffice::new(app::registration("/oauth/ioffice")).unwrap();
    let app = App::new(provider.sites(SitePolicy::subdomains_of("ioffice.example")));
    let mut browser = app.browser();
    let asks = browser.get("/connect/ioffice").await;
    assert!(asks.body.contains("<label for=\"site\">"), "{}", asks.body);
    let named = browser
        .get("/connect/ioffice?site=acme.ioffice.example")
        .await;
    assert!(!named.body.contains("<label"), "{}", named.body);
    assert!(named.body.contains("(acme.ioffice.example)"));
    let refused = browser.get("/connect/ioffice?site=evil.test").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("<label for=\"site\">"));
    assert!(!refused.body.contains("evil.test"));
}

#[tokio::test]
async fn a_page_to_connect_is_for_people_and_providers() {
    let app = amiqus();
    let mut browser = app.browser();
    let unknown = browser.get("/connect/%3Cb%3E").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(
        unknown
            .body
            .contains("<title>There is no such provider</title>")
    );
    assert!(!unknown.body.contains("<b>"));
    browser.person = None;
    let signed_out = browser.get("/connect/amiqus").await;
    assert_eq!(signed_out.status, StatusCode::FORBIDDEN);
    assert!(!signed_out.body.contains("<form"), "{}", signed_out.body);
    assert!(signed_out.body.contains("href=\"/settings\">Back</a>"));
}

#[tokio::test]
async fn a_failures_page_tries_again_with_the_same_fields() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus?next=/checks", "deny=1").await;
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    for part in [
        "<title>The login at amiqus was not finished</title>",
        "<form id=\"retry\" method=\"post\" action=\"/connect/amiqus\">",
        "<input type=\"hidden\" name=\"next\" value=\"/checks\">",
        "<button class=\"main\">Try again</button>",
        "href=\"/checks\">Back</a>",
    ] {
        assert!(page.body.contains(part), "no {part} in {}", page.body);
    }
    let body = "next=%2Fchecks";
    let form = [
        ("origin", OWN),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let again = browser
        .send(Method::POST, "/connect/amiqus", &form, body)
        .await;
    let (path, _) = app::at_provider(&emulator, again.location(), "approve=1").await;
    assert_eq!(browser.get(&path).await.location(), "/checks");
}

#[tokio::test]
async fn the_next_attempt_of_a_tenant_names_its_site() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let started = browser.post("/connect/ioffice?next=/rooms").await;
    let (_, state) = started.location().split_once("state=").unwrap();
    let state = state.split('&').next().unwrap().to_owned();
    let page = browser.get("/oauth/ioffice").await;
    let nonce = page.quoted_after("data-nonce=\"").to_owned();
    let post = [("origin", OWN), ("x-tokenkeeper-nonce", &*nonce)];
    let denial = format!("error=access_denied&state={state}");
    let answer = browser
        .send(Method::POST, "/oauth/ioffice", &post, &denial)
        .await;
    assert!(
        answer
            .body
            .contains("\"next\":\"/oauth/ioffice?failed=denied\"")
    );
    let shown = browser.get("/oauth/ioffice?failed=denied").await;
    assert!(
        shown.body.contains("name=\"next\" value=\"/rooms\""),
        "{}",
        shown.body
    );
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_forged_cookie_of_a_failure_leads_nowhere() {
    let app = amiqus();
    let mut browser = app.browser();
    let name = "__Host-tokenkeeper-text.amiqus".to_owned();
    let value = "denied.next=https%3A%2F%2Fevil.test&site=%22%3E%3Cb%3E";
    browser.cookies.insert(name, value.to_owned());
    let page = browser.get("/oauth/amiqus?failed=denied").await;
    assert!(!page.body.contains("evil.test"), "{}", page.body);
    assert!(!page.body.contains("<b>"));
    assert!(page.body.contains("href=\"/settings\">Back</a>"));
}

/// A browser's denials, each of a login of this account.
async fn denied(accounts: &[&str]) -> (app::Browser, app::Answer) {
    let (emulator, provider) = app::amiqus().await;
    let app = App::with_routes(provider, several);
    let mut browser = app.browser();
    let mut shown = None;
    for account in accounts {
        let connect = format!("amiqus{account}");
        let path = callback(&mut browser, &emulator, &connect, "deny=1").await;
        shown = Some(browser.get(&path).await);
    }
    (browser, shown.unwrap())
}

fn several(routes: Routes) -> Routes {
    routes.account_names(|person, name| Some(format!("{person}/{name}")))
}

const WORK: &str = "name=\"account\" value=\"work\"";

#[tokio::test]
async fn a_denial_forgets_the_account_of_an_earlier_one() {
    let (_, of_work) = denied(&["?account=work"]).await;
    assert!(of_work.body.contains(WORK), "{}", of_work.body);
    let (_, of_first) = denied(&["?account=work", ""]).await;
    assert!(of_first.body.contains("<form id=\"retry\""));
    assert!(!of_first.body.contains("account"), "{}", of_first.body);
}

#[tokio::test]
async fn a_failure_whose_account_is_not_known_offers_a_link() {
    let link = "<a class=\"button main\" id=\"retry\" href=\"/connect/amiqus\">Try again</a>";
    // The page of a failure of a login whose cookie has expired, and one that was kept in a link.
    for path in [
        "/oauth/amiqus?code=x&state=y",
        "/oauth/amiqus?failed=bad-redirect",
    ] {
        let (mut browser, _) = denied(&["?account=work"]).await;
        let shown = browser.get(path).await;
        assert!(shown.body.contains(link), "{}", shown.body);
        assert!(!shown.body.contains("<form"), "{}", shown.body);
    }
}

#[tokio::test]
async fn a_new_login_forgets_the_page_of_a_failure() {
    let (mut browser, _) = denied(&["?account=work"]).await;
    browser.post("/connect/amiqus").await;
    let shown = browser.get("/oauth/amiqus?failed=denied").await;
    assert!(!shown.body.contains(WORK), "{}", shown.body);
}

fn words(failure: &FailurePage) -> String {
    format!(
        "{} {:?} {} retry={:?} link={:?} back={}",
        failure.code(),
        failure.next_step(),
        failure.provider_name().unwrap_or("-"),
        failure
            .retry()
            .map(|retry| (retry.action(), retry.fields().collect::<Vec<_>>())),
        failure.retry_link(),
        failure.back(),
    )
}

#[tokio::test]
async fn the_applications_page_shows_every_failure() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::with_routes(provider, |routes| {
        routes.failure_page(|parts, failure| {
            assert!(!parts.uri.path().is_empty());
            (failure.status(), words(&failure))
        })
    });
    let mut browser = app.browser();
    let denied = callback(&mut browser, &emulator, "amiqus?next=/a", "deny=1").await;
    let answer = browser.get(&denied).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let retry = r#"Some(("/connect/amiqus", [("next", "/a")]))"#;
    let expected = format!(
        "denied {:?} amiqus retry={retry} link=None back=/a",
        NextStep::TryAgain
    );
    assert_eq!(answer.body, expected);
    // Nothing is loaded or framed, unless the application says so.
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");

    let unknown = browser.post("/connect/acme").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(
        unknown
            .body
            .starts_with("unknown-provider GoBack - retry=None")
    );
    let foreign = browser
        .send(Method::POST, "/disconnect/amiqus", &[], "")
        .await;
    assert!(
        foreign
            .body
            .starts_with("foreign-origin GoBack amiqus retry=None"),
        "{}",
        foreign.body
    );
    browser.person = None;
    let signed_out = browser.post("/connect/amiqus").await;
    assert!(
        signed_out
            .body
            .starts_with("signed-out SignIn amiqus retry=None")
    );
}

#[tokio::test]
async fn the_relay_leads_to_the_applications_page() {
    let app = App::with_routes(app::ioffice().await.1, |routes| {
        routes.failure_page(|_, failure| (failure.status(), words(&failure)))
    });
    let mut browser = app.browser();
    let page = browser.get("/oauth/ioffice").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let next = page.quoted_after("data-next=\"").to_owned();
    let shown = browser.get(&next).await;
    let expected = "no-flow TryAgain ioffice retry=None link=Some(\"/connect/ioffice\")";
    assert!(shown.body.starts_with(expected), "{}", shown.body);
}

#[tokio::test]
async fn a_reload_finishes_a_login_that_had_to_wait() {
    let mut login = Login::approved().await;
    let faults = login.emulator.faults();
    let busy = Fault::TooManyRequests { retry_after: 30 };
    faults.once(Endpoint::Token, busy);
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.body.contains("Try again</button>"),
        "{}",
        answer.body
    );
    // The code was not presented: a reload finishes the login.
    assert_eq!(login.finish().await.location(), "/settings");
}
