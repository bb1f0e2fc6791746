//! Callbacks with the answer in the fragment, whose site returns the state.

use axum::http::{Method, StatusCode};
use tokenkeeper_axum::Routes;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault, IOfficeOptions};
use tokenkeeper_pages::STYLE_SOURCE;

use crate::app::{self, Answer, App, Browser, OWN};

const PATH: &str = "/oauth/ioffice";

/// A browser at the relay page, after a click at the provider.
struct Login {
    emulator: Emulator,
    app: App,
    browser: Browser,
    page: Answer,
    fragment: String,
}

impl Login {
    /// The person has approved.
    async fn approved() -> Self {
        Self::new("approve=1", |routes| routes).await
    }

    async fn new(click: &str, set: impl FnOnce(Routes) -> Routes) -> Self {
        let options = IOfficeOptions::default().echo_state();
        let (emulator, provider) = app::ioffice_with(options).await;
        let app = App::with_routes(provider, set);
        let mut browser = app.browser();
        let (page, fragment) = open(&mut browser, &emulator, click).await;
        Self {
            emulator,
            app,
            browser,
            page,
            fragment,
        }
    }

    /// Logs in once more, in the same browser.
    async fn again(&mut self) {
        (self.page, self.fragment) = open(&mut self.browser, &self.emulator, "approve=1").await;
    }

    /// Posts what the page's script posts.
    async fn complete(&mut self) -> Answer {
        let (nonce, fragment) = (nonce(&self.page), self.fragment.clone());
        self.post(&nonce, &fragment).await
    }

    /// Posts another fragment.
    async fn complete_with(&mut self, fragment: &str) -> Answer {
        let nonce = nonce(&self.page);
        self.post(&nonce, fragment).await
    }

    async fn post(&mut self, nonce: &str, fragment: &str) -> Answer {
        let headers = [("origin", OWN), ("x-tokenkeeper-nonce", nonce)];
        self.send(&headers, fragment).await
    }

    async fn send(&mut self, headers: &[(&str, &str)], fragment: &str) -> Answer {
        let browser = &mut self.browser;
        browser.send(Method::POST, PATH, headers, fragment).await
    }

    fn token_requests(&self) -> u64 {
        self.emulator.counters().token_requests
    }
}

/// Starts a login, clicks, and opens the relay page; returns it with the fragment.
async fn open(browser: &mut Browser, emulator: &Emulator, click: &str) -> (Answer, String) {
    let started = browser.post("/connect/ioffice").await;
    let (path, fragment) = app::at_provider(emulator, started.location(), click).await;
    (browser.get(&path).await, fragment)
}

fn nonce(page: &Answer) -> String {
    page.quoted_after("data-nonce=\"").to_owned()
}

fn script_nonce(page: &Answer) -> &str {
    page.quoted_after("<script nonce=\"")
}

#[tokio::test]
async fn i4_a_callback_without_query_gets_the_relay_page() {
    let login = Login::approved().await;
    let Answer {
        status,
        headers,
        body,
    } = &login.page;
    assert_eq!(*status, StatusCode::OK);
    assert!(!headers.contains_key("location"));
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["cache-control"], "no-store");
    // The form of the page that asks names its origin.
    assert_eq!(headers["referrer-policy"], "strict-origin");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let script = script_nonce(&login.page);
    let policy = format!(
        "default-src 'none'; style-src {STYLE_SOURCE}; script-src 'nonce-{script}'; \
         connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    assert_eq!(headers["content-security-policy"], policy);
    assert!(body.contains("<noscript>"));
    assert!(!body.contains("{{") && !body.contains("http"), "{body}");
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn the_relay_has_a_way_back_if_it_cannot_go_on() {
    let mut login = Login::new("approve=1", |routes| routes.back_to("/settings")).await;
    let body = &login.page.body;
    // Without JavaScript, and where the post fails.
    let (_, without) = body.split_once("<noscript>").unwrap();
    let (without, _) = without.split_once("</noscript>").unwrap();
    assert!(without.contains("id=\"back\" href=\"/settings\">Back</a>"));
    let hidden = "id=\"leave\" hidden><a class=\"button\" href=\"/settings\">Back</a>";
    assert!(body.contains(hidden), "{body}");
    let (_, caught) = body.split_once(".catch(").unwrap();
    assert!(caught.contains("document.getElementById(\"leave\").hidden = false;"));
    // It leads to where the login would have led.
    login.browser.post("/connect/ioffice?next=/rooms").await;
    let page = login.browser.get(PATH).await;
    assert!(page.body.contains("id=\"back\" href=\"/rooms\">Back</a>"));
}

#[tokio::test]
async fn i4_every_page_has_its_own_nonces() {
    let mut login = Login::approved().await;
    let second = login.browser.get(PATH).await;
    let (a, b) = (nonce(&login.page), script_nonce(&login.page));
    let (c, d) = (nonce(&second), script_nonce(&second));
    assert!(a != b && a != c && b != d && a.len() == 32);
}

#[tokio::test]
async fn i4_the_script_cleans_the_address_before_it_posts() {
    let body = Login::approved().await.page.body;
    let at = |what: &str| body.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(at("location.hash") < at("history.replaceState(null, \"\", location.pathname)"));
    assert!(at("history.replaceState") < at("fetch(location.pathname"));
    assert!(at("fetch(") < at("method: \"POST\""));
    assert!(body.contains("body: fragment,"));
    assert_eq!(body.matches("<script").count(), 1);
}

#[tokio::test]
async fn i4_without_a_flow_the_page_only_cleans_the_address() {
    let (_emulator, provider) = app::ioffice().await;
    let app = App::with_routes(provider, |routes| routes.on_failed("/settings"));
    let mut browser = app.browser();
    let page = browser.get(PATH).await;
    // Not a redirect even here: the fragment would travel with it.
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("No login is in progress"));
    assert_eq!(nonce(&page), "");
    assert!(page.body.contains("history.replaceState"));
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn i5_the_posted_fragment_is_decoded_once_and_plus_stays() {
    let mut login = Login::approved().await;
    let (_, state) = login.fragment.split_once("&state=").unwrap();
    let fragment = format!("code=ab+c%2Bd==&appCode=X%20Y&state={state}");
    let answer = login.complete_with(&fragment).await;
    // The provider never issued this code; what counts is how it was sent.
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let requests = login.emulator.recorded_requests();
    let exchange = requests
        .iter()
        .find(|request| request.uri().path() == "/external/api/oauth2/token");
    assert_eq!(exchange.unwrap().headers()["x-auth-code"], "ab+c+d==");
}

#[tokio::test]
async fn a_login_over_the_relay_connects_and_shows_no_token() {
    let mut login = Login::approved().await;
    assert!(login.fragment.starts_with("code="));
    let answer = login.complete().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, r#"{"next":"/settings"}"#);
    let token = login.app.token("ioffice").await;
    assert!(!login.browser.seen.contains(&token));
    assert_eq!(login.emulator.counters().exchanges(), 1);
}

/// iOFFICE may return no state, so a link of anyone may be what the browser followed.
#[tokio::test]
async fn a_denial_over_the_relay_is_shown_and_ends_nothing() {
    let mut login = Login::new("approve=1", |routes| routes.on_failed("/settings")).await;
    let answer = login
        .complete_with("error=access_denied&error_description=call+0900")
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let next = r#""next":"/settings?failure=denied""#;
    assert!(answer.body.contains(next), "{}", answer.body);
    assert!(!answer.body.contains("0900"));
    assert_eq!(login.token_requests(), 0);
    // The real redirect opens the page once more.
    login.page = login.browser.get(PATH).await;
    assert_eq!(login.complete().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_denial_with_its_state_ends_the_login() {
    let mut login = Login::approved().await;
    let started = login.browser.post("/connect/ioffice").await;
    let (_, state) = started.location().split_once("state=").unwrap();
    let state = state.split('&').next().unwrap().to_owned();
    login.page = login.browser.get(PATH).await;
    let denial = format!("error=access_denied&state={state}&error_description=%3Cb%3E%22no");
    let answer = login.complete_with(&denial).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // The script sets it as a text, so only JSON needs escapes.
    assert!(
        answer.body.contains("The provider says: “<b> no”"),
        "{}",
        answer.body
    );
    // The failure's own page has the provider's text.
    let outcomes: Vec<_> = login.browser.cookies.values().collect();
    assert_eq!(outcomes, ["denied.text=%3Cb%3E+no"; 2]);
    let shown = login.browser.get(&format!("{PATH}?failed=denied")).await;
    assert!(shown.body.contains("“&lt;b&gt; no”"), "{}", shown.body);
    assert!(
        answer
            .body
            .contains(r#""next":"/oauth/ioffice?failed=denied""#)
    );
    let page = login.browser.get(PATH).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn the_relay_leads_on_after_success() {
    let mut login = Login::approved().await;
    assert_eq!(login.complete().await.status, StatusCode::OK);
    let page = login.browser.get(PATH).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.headers.contains_key("location"));
    assert_eq!(page.quoted_after("data-next=\""), "/settings");
    assert_eq!(nonce(&page), "");
    let next = "if (next) return location.replace(next);";
    assert!(page.body.find("history.replaceState") < page.body.find(next));
    // Nor does a second post exchange anything.
    let answer = login.complete().await;
    assert_eq!(answer.body, r#"{"next":"/settings"}"#);
    assert_eq!(login.emulator.counters().exchanges(), 1);

    login.browser.person = Some("user-43");
    let page = login.browser.get(PATH).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.quoted_after("data-next=\""), "");
}

#[tokio::test]
async fn the_relay_shows_a_failure_again() {
    let mut login = Login::approved().await;
    let faults = login.emulator.faults();
    faults.once(Endpoint::Token, Fault::HtmlServerError);
    assert_eq!(login.complete().await.status, StatusCode::BAD_GATEWAY);
    let page = login.browser.get(PATH).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.body.contains("gave no access. Start the login again"));
    assert_eq!(login.complete().await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(login.token_requests(), 1);
}

#[tokio::test]
async fn a_prefetch_gets_no_relay_page() {
    let mut login = Login::approved().await;
    let headers = [("sec-purpose", "prefetch")];
    let browser = &mut login.browser;
    let answer = browser.send(Method::GET, PATH, &headers, "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.set_cookies().is_empty());
    // The page that is open keeps its nonce.
    assert_eq!(login.complete().await.status, StatusCode::OK);
}

#[tokio::test]
async fn i6_a_post_without_flow_cookie_is_refused() {
    let mut login = Login::approved().await;
    let cookies = &mut login.browser.cookies;
    cookies.retain(|name, _| !name.ends_with(".flow"));
    assert_eq!(login.complete().await.status, StatusCode::FORBIDDEN);
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn i6_a_post_of_another_origin_is_refused() {
    let mut login = Login::approved().await;
    let (nonce, fragment) = (nonce(&login.page), login.fragment.clone());
    for origin in [
        None,
        Some("null"),
        Some("https://evil.test"),
        Some("https://app.example.evil.test"),
    ] {
        let mut headers = vec![("x-tokenkeeper-nonce", nonce.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = login.send(&headers, &fragment).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(login.token_requests(), 0);
    // The login can still be completed.
    assert_eq!(login.complete().await.status, StatusCode::OK);
}

#[tokio::test]
async fn i6_only_the_page_opened_last_has_a_valid_nonce() {
    let mut login = Login::approved().await;
    let first = nonce(&login.page);
    login.page = login.browser.get(PATH).await;
    let fragment = login.fragment.clone();
    for wrong in ["", "x", &first] {
        let answer = login.post(wrong, &fragment).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    let without = login.send(&[("origin", OWN)], &fragment).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.complete().await.status, StatusCode::OK);
}

#[tokio::test]
async fn i6_a_replayed_nonce_is_refused() {
    let mut login = Login::approved().await;
    let cookies = login.browser.cookies.clone();
    assert_eq!(login.complete().await.status, StatusCode::OK);
    login.browser.cookies = cookies;
    assert_eq!(login.complete().await.status, StatusCode::FORBIDDEN);
    assert_eq!(login.emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn i6_an_unusable_answer_uses_the_nonce_up_too() {
    let mut login = Login::approved().await;
    let cookies = login.browser.cookies.clone();
    let unusable = login.complete_with("appCode=X").await;
    assert_eq!(unusable.status, StatusCode::BAD_REQUEST);
    login.browser.cookies = cookies;
    assert_eq!(login.complete().await.status, StatusCode::FORBIDDEN);
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn i6_a_nonce_is_valid_for_its_own_flow_only() {
    let mut login = Login::approved().await;
    let started = login.browser.post("/connect/ioffice").await;
    let (_, fragment) = app::at_provider(&login.emulator, started.location(), "approve=1").await;
    let answer = login.complete_with(&fragment).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn a_state_in_the_fragment_must_match() {
    let mut login = Login::approved().await;
    let answer = login.complete_with("code=x&state=forged").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("state-mismatch"));
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn only_the_person_who_started_the_login_completes_it() {
    let mut login = Login::approved().await;
    login.browser.person = Some("user-43");
    let answer = login.complete().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("other-person"));
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn an_overlong_fragment_is_refused() {
    let mut login = Login::approved().await;
    let long = format!("code={}", "a".repeat(20_000));
    let answer = login.complete_with(&long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.complete().await.status, StatusCode::OK);
}

#[tokio::test]
async fn i7_a_second_flow_voids_the_first() {
    let mut login = Login::approved().await;
    let (first, cookies) = (nonce(&login.page), login.browser.cookies.clone());
    login.again().await;

    // One flow and one nonce, those of the second.
    let current = &login.browser.cookies;
    assert_eq!(current.len(), 2);
    assert!(current.iter().all(|(name, value)| cookies[name] != *value));
    let answer = login.post(&first, "code=of-the-first").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.complete().await.status, StatusCode::OK);
}

#[tokio::test]
async fn i7_a_second_flow_removes_the_nonce_of_the_first() {
    let mut login = Login::approved().await;
    login.browser.post("/connect/ioffice").await;
    let names: Vec<_> = login.browser.cookies.keys().collect();
    assert_eq!(names, ["__Host-tokenkeeper.ioffice.flow"]);
}

#[tokio::test]
async fn a_temporary_failure_has_a_retry_after() {
    let mut login = Login::approved().await;
    login.complete().await;
    // A disconnect that the provider has not confirmed delays the next login.
    let faults = login.emulator.faults();
    faults.always(Endpoint::Revoke, Fault::CutBeforeBody);
    let disconnected = login.browser.post("/disconnect/ioffice").await;
    assert_eq!(disconnected.status, StatusCode::SEE_OTHER);

    login.again().await;
    let answer = login.complete().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    let failure = r#""failure":"unavailable""#;
    assert!(answer.body.contains(failure), "{}", answer.body);
}

#[tokio::test]
async fn the_relays_cookie_is_for_this_site_only() {
    let page = Login::approved().await.page;
    let cookie = page.set_cookies()[0];
    assert!(cookie.starts_with("__Host-tokenkeeper.ioffice.relay="));
    let attributes = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=";
    assert!(cookie.contains(attributes), "{cookie}");
}
