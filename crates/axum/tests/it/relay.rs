//! Callbacks with the answer in the fragment.

use axum::http::{Method, StatusCode};
use tokenkeeper_emulator::{Emulator, Endpoint, Fault};

use crate::app::{self, Answer, App, Browser, OWN};

const PATH: &str = "/oauth/ioffice";

/// Starts a login, approves it, and opens the relay page: the page, and the fragment that the browser kept to itself.
async fn relay(browser: &mut Browser<'_>, emulator: &Emulator, click: &str) -> (Answer, String) {
    let started = browser.post("/connect/ioffice").await;
    let (path, fragment) = app::at_provider(emulator, started.location(), click).await;
    (browser.get(&path).await, fragment)
}

/// Posts what the page's script posts.
async fn complete(browser: &mut Browser<'_>, nonce: &str, fragment: &str) -> Answer {
    let headers = [("origin", OWN), ("x-tokenkeeper-nonce", nonce)];
    browser.send(Method::POST, PATH, &headers, fragment).await
}

fn nonce(page: &Answer) -> String {
    page.quoted_after("data-nonce=\"").to_owned()
}

#[tokio::test]
async fn i4_a_callback_without_query_gets_the_relay_page() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, _) = relay(&mut browser, &emulator, "approve=1").await;

    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.headers.contains_key("location"));
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let script = page.quoted_after("<script nonce=\"");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'nonce-{script}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    );
    assert!(page.body.contains("<noscript>"));
    assert!(
        !page.body.contains("{{") && !page.body.contains("http"),
        "{}",
        page.body
    );
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn i4_every_page_has_nonces_of_its_own() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (first, _) = relay(&mut browser, &emulator, "approve=1").await;
    let second = browser.get(PATH).await;
    let of = |page: &Answer| {
        [
            nonce(page),
            page.quoted_after("<script nonce=\"").to_owned(),
        ]
    };
    let [[a, b], [c, d]] = [of(&first), of(&second)];
    assert!(a != b && a != c && b != d && a.len() == 32);
}

#[tokio::test]
async fn i4_the_script_cleans_the_address_before_it_posts() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let (page, _) = relay(&mut app.browser(), &emulator, "approve=1").await;
    let at = |what: &str| page.body.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(at("location.hash") < at("history.replaceState(null, \"\", location.pathname)"));
    assert!(at("history.replaceState") < at("fetch(location.pathname"));
    assert!(at("fetch(") < at("method: \"POST\""));
    assert!(page.body.contains("body: fragment,"));
    assert_eq!(page.body.matches("<script").count(), 1);
}

#[tokio::test]
async fn i4_without_a_flow_the_page_only_cleans_the_address() {
    let (_emulator, provider) = app::ioffice().await;
    let accounts = app::accounts().provider(provider).build().unwrap();
    let app = App::with(accounts, |routes| routes.on_failed("/settings"));
    let mut browser = app.browser();
    let page = browser.get(PATH).await;
    // Not a redirect even here: the fragment would travel with it.
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("No login is under way"));
    assert_eq!(nonce(&page), "");
    assert!(page.body.contains("history.replaceState"));
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn i5_the_posted_fragment_is_decoded_once_and_plus_stays() {
    let emulator = Emulator::ioffice()
        .client(app::registered(PATH))
        .record_requests();
    let emulator = emulator.start().await.unwrap();
    let provider = tokenkeeper_provider_ioffice::IOffice::new(app::registration(PATH)).unwrap();
    let app = App::new(provider.base(emulator.base()).unwrap());
    let mut browser = app.browser();
    let (page, _) = relay(&mut browser, &emulator, "approve=1").await;

    let answer = complete(&mut browser, &nonce(&page), "code=ab+c%2Bd==&appCode=X%20Y").await;
    // The provider never gave this code; what counts is how it was sent.
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let requests = emulator.recorded_requests();
    let exchange = requests
        .iter()
        .find(|r| r.uri().path() == "/external/api/oauth2/token");
    assert_eq!(exchange.unwrap().headers()["x-auth-code"], "ab+c+d==");
}

#[tokio::test]
async fn a_login_over_the_relay_ends_connected_and_shows_no_token() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    assert!(fragment.starts_with("code="));

    let answer = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, r#"{"next":"/settings"}"#);
    assert!(browser.cookies.is_empty());
    let token = app
        .accounts
        .account("ioffice", "user-42")
        .unwrap()
        .token()
        .await
        .unwrap();
    assert!(!browser.seen.contains(token.expose()));
    assert_eq!(emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn a_denial_over_the_relay_ends_the_login() {
    let (emulator, provider) = app::ioffice().await;
    let accounts = app::accounts().provider(provider).build().unwrap();
    let app = App::with(accounts, |routes| routes.on_failed("/settings"));
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "deny=1").await;
    let answer = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        answer.body.contains(r#""next":"/settings?failure=denied""#),
        "{}",
        answer.body
    );
    assert!(browser.cookies.is_empty());
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn i6_a_post_without_flow_cookie_is_refused() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    browser.cookies.retain(|name, _| !name.ends_with(".flow"));
    let answer = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn i6_a_post_from_elsewhere_is_refused() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    let nonce = nonce(&page);
    let nonce_header = ("x-tokenkeeper-nonce", nonce.as_str());
    for origin in [
        None,
        Some("null"),
        Some("https://evil.test"),
        Some("https://app.example.evil.test"),
    ] {
        let mut headers = vec![nonce_header];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = browser.send(Method::POST, PATH, &headers, &fragment).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(emulator.counters().token_requests, 0);
    // Nor did that end the login.
    assert_eq!(
        complete(&mut browser, &nonce, &fragment).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn i6_a_nonce_is_needed_and_the_page_that_was_opened_last_has_it() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (first, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    let second = browser.get(PATH).await;
    for wrong in ["", "x", &nonce(&first)] {
        let answer = complete(&mut browser, wrong, &fragment).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    let only_origin = [("origin", OWN)];
    let answer = browser
        .send(Method::POST, PATH, &only_origin, &fragment)
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().token_requests, 0);
    assert_eq!(
        complete(&mut browser, &nonce(&second), &fragment)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn i6_a_replayed_nonce_is_refused() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    let cookies = browser.cookies.clone();
    assert_eq!(
        complete(&mut browser, &nonce(&page), &fragment)
            .await
            .status,
        StatusCode::OK
    );
    browser.cookies = cookies;
    let again = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn i6_a_nonce_is_spent_by_an_answer_that_leads_nowhere_too() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    let cookies = browser.cookies.clone();
    let nowhere = complete(&mut browser, &nonce(&page), "appCode=X").await;
    assert_eq!(nowhere.status, StatusCode::BAD_REQUEST);
    browser.cookies = cookies;
    let again = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn i6_a_nonce_is_good_for_its_own_flow_only() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, _) = relay(&mut browser, &emulator, "approve=1").await;
    let started = browser.post("/connect/ioffice").await;
    let (_, fragment) = app::at_provider(&emulator, started.location(), "approve=1").await;
    let answer = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_state_in_the_fragment_has_to_match() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, _) = relay(&mut browser, &emulator, "approve=1").await;
    let answer = complete(&mut browser, &nonce(&page), "code=x&state=forged").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("state-mismatch"));
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn only_who_started_the_login_completes_it() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    browser.person = Some("user-43");
    let answer = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("other-person"));
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn an_overlong_or_unreadable_fragment_is_refused() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    let long = format!("code={}", "a".repeat(20_000));
    let answer = complete(&mut browser, &nonce(&page), &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(emulator.counters().token_requests, 0);
    assert_eq!(
        complete(&mut browser, &nonce(&page), &fragment)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn i7_a_second_flow_voids_the_first() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (first, _) = relay(&mut browser, &emulator, "approve=1").await;
    let of_first = browser.cookies.clone();
    let (second, fragment) = relay(&mut browser, &emulator, "approve=1").await;

    // One flow and one nonce, those of the second.
    assert_eq!(browser.cookies.len(), 2);
    assert!(
        browser
            .cookies
            .iter()
            .all(|(name, value)| of_first[name] != *value)
    );
    let answer = complete(&mut browser, &nonce(&first), "code=of-the-first").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(emulator.counters().token_requests, 0);
    assert_eq!(
        complete(&mut browser, &nonce(&second), &fragment)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn i7_a_second_flow_takes_the_firsts_nonce_away() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    relay(&mut browser, &emulator, "approve=1").await;
    browser.post("/connect/ioffice").await;
    let names: Vec<_> = browser.cookies.keys().collect();
    assert_eq!(names, ["__Host-tokenkeeper.ioffice.flow"]);
}

#[tokio::test]
async fn what_may_work_later_says_when() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    complete(&mut browser, &nonce(&page), &fragment).await;
    // A disconnect that the provider has not heard of holds up the next login.
    emulator
        .faults()
        .always(Endpoint::Revoke, Fault::CutBeforeBody);
    assert_eq!(
        browser.post("/disconnect/ioffice").await.status,
        StatusCode::SEE_OTHER
    );

    let (page, fragment) = relay(&mut browser, &emulator, "approve=1").await;
    let answer = complete(&mut browser, &nonce(&page), &fragment).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(
        answer.body.contains(r#""failure":"unavailable""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_relays_cookie_is_for_this_site_alone() {
    let (emulator, provider) = app::ioffice().await;
    let app = App::new(provider);
    let (page, _) = relay(&mut app.browser(), &emulator, "approve=1").await;
    let cookie = page.set_cookies()[0].to_owned();
    assert!(cookie.starts_with("__Host-tokenkeeper.ioffice.relay="));
    assert!(
        cookie.contains("; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age="),
        "{cookie}"
    );
}
