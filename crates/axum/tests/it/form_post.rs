//! Callbacks of a provider that posts its answer in a form.

use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault, PlainOptions};
use tokenkeeper_engine::protocol::{Dialect, Registration, ResponseMode};
use tokenkeeper_pages::STYLE_SOURCE;

use crate::app::{self, Answer, App, Browser, OWN, registered};

const PATH: &str = "/oauth/acme";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// The provider's page, which hides its origin or not.
const FOREIGN: [(&str, &str); 2] = [("origin", "https://id.acme.test"), ("origin", "null")];

/// A browser at the provider's page that posts the form.
struct Login {
    emulator: Emulator,
    app: App,
    browser: Browser,
    form: String,
}

impl Login {
    async fn new(click: &str) -> Self {
        let options = tokenkeeper_emulator::ResponseMode::FormPost;
        let options = PlainOptions::default().response_mode(options);
        let emulator = Emulator::plain().options(options);
        let emulator = emulator.client(registered(PATH)).start().await.unwrap();
        let mut dialect = Dialect::rfc6749("acme", emulator.base()).unwrap();
        dialect.authorization.response_mode = ResponseMode::FormPost;
        let app = App::new(dialect.with(app::registration(PATH)).unwrap());
        let mut browser = app.browser();
        let form = form(&mut browser, &emulator, click).await;
        Self {
            emulator,
            app,
            browser,
            form,
        }
    }

    /// Posts the form as the provider's page does.
    async fn finish(&mut self) -> Answer {
        let form = self.form.clone();
        self.post(PATH, FOREIGN[0], &form).await
    }

    async fn post(&mut self, path: &str, origin: (&str, &str), form: &str) -> Answer {
        let headers = [FORM, origin];
        let browser = &mut self.browser;
        browser.send(Method::POST, path, &headers, form).await
    }

    fn token_requests(&self) -> u64 {
        self.emulator.counters().token_requests
    }
}

/// Starts a login and clicks at the provider. Returns the body that its page posts.
async fn form(browser: &mut Browser, emulator: &Emulator, click: &str) -> String {
    let started = browser.post("/connect/acme").await;
    let url = started.location();
    assert!(url.contains("&response_mode=form_post"), "{url}");
    let page = url.strip_prefix(emulator.base()).unwrap();
    let page = Request::get(format!("{page}&{click}"));
    let page = emulator.call(page.body(Bytes::new()).unwrap()).await;
    let page = String::from_utf8(page.unwrap().into_body().into()).unwrap();
    assert!(page.contains(&format!("action=\"{OWN}{PATH}\"")), "{page}");
    fields(&page)
}

/// Reads the hidden fields of a page as a form's body. No value of these tests has an escape.
fn fields(page: &str) -> String {
    let mut fields = Vec::new();
    for field in page.split("<input ").skip(1) {
        let attribute = |name: &str| {
            let (_, rest) = field.split_once(name).unwrap();
            rest.split('"').next().unwrap()
        };
        fields.push(format!(
            "{}={}",
            attribute("name=\""),
            attribute("value=\"")
        ));
    }
    fields.join("&")
}

#[tokio::test]
async fn a_form_of_the_provider_connects() {
    for origin in FOREIGN {
        let mut login = Login::new("approve=1").await;
        let form = login.form.clone();
        let answer = login.post(PATH, origin, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        assert_eq!(answer.location(), "/settings");
        let token = login.app.token("acme").await;
        assert!(!login.browser.seen.contains(&token));
        assert_eq!(login.emulator.counters().exchanges(), 1);
        // The same form once more.
        let again = login.finish().await;
        assert_eq!(again.location(), "/settings");
        assert_eq!(login.token_requests(), 1);
    }
}

#[tokio::test]
async fn only_this_logins_cookie_travels_with_foreign_forms() {
    let mut login = Login::new("approve=1").await;
    let started = login.browser.post("/connect/acme").await;
    let cookie = started.set_cookies()[0];
    let attributes = "; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=";
    assert!(cookie.starts_with("__Host-tokenkeeper.acme."), "{cookie}");
    assert!(cookie.contains(attributes), "{cookie}");
    let finished = login.finish().await;
    let outcome = finished.set_cookies()[0];
    assert!(outcome.contains(attributes), "{outcome}");
}

#[tokio::test]
async fn on_loopback_http_the_cookie_is_secure_too() {
    let mut dialect = Dialect::rfc6749("acme", "https://id.acme.test").unwrap();
    dialect.authorization.response_mode = ResponseMode::FormPost;
    let registration = Registration::new("id", "http://localhost:8080/cb").secret("s");
    let app = App::new(dialect.with(registration).unwrap());
    let own = [("origin", "http://localhost:8080")];
    let mut browser = app.browser();
    let answer = browser.send(Method::POST, "/connect/acme", &own, "").await;
    let cookie = answer.set_cookies()[0];
    assert!(cookie.starts_with("tokenkeeper.acme."), "{cookie}");
    assert!(cookie.contains("; SameSite=None; Secure;"), "{cookie}");
}

/// The session's cookie is usually `Lax`, so the provider's form comes without it.
#[tokio::test]
async fn a_form_without_the_session_is_posted_again_by_this_site() {
    let mut login = Login::new("approve=1").await;
    login.browser.person = None;
    let page = login.finish().await;
    assert_eq!(page.status, StatusCode::OK);
    let action = page.quoted_after("action=\"").to_owned();
    assert_eq!(action, "?again");
    let nonce = page.quoted_after("<script nonce=\"");
    let policy = format!(
        "default-src 'none'; style-src {STYLE_SOURCE}; script-src 'nonce-{nonce}'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    assert_eq!(page.headers["content-security-policy"], policy);
    assert_eq!(page.headers["referrer-policy"], "same-origin");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(login.token_requests(), 0);
    let form = fields(&page.body);
    assert_eq!(form, login.form);

    login.browser.person = Some("user-42");
    let path = format!("{PATH}{action}");
    let answer = login.post(&path, ("origin", OWN), &form).await;
    assert_eq!(answer.location(), "/settings");
    assert_eq!(login.emulator.counters().exchanges(), 1);
}

#[tokio::test]
async fn a_form_is_posted_again_only_once() {
    let mut login = Login::new("approve=1").await;
    login.browser.person = None;
    let (path, form) = (format!("{PATH}?again"), login.form.clone());
    let answer = login.post(&path, ("origin", OWN), &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("not signed in"));
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn values_of_a_form_are_escaped_in_the_page() {
    let mut login = Login::new("approve=1").await;
    login.browser.person = None;
    let form = format!("{}&%22%3E%3Cscript%3E=%22%3E%3Cscript%3E%26%27", login.form);
    let page = login.post(PATH, FOREIGN[0], &form).await;
    let escaped = "name=\"&quot;&gt;&lt;script&gt;\" value=\"&quot;&gt;&lt;script&gt;&amp;'\"";
    assert!(page.body.contains(escaped), "{}", page.body);
}

#[tokio::test]
async fn another_person_does_not_finish_the_login_of_a_form() {
    let mut login = Login::new("approve=1").await;
    login.browser.person = Some("user-43");
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Someone else started"));
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn a_form_must_have_the_state_of_the_login() {
    let mut login = Login::new("approve=1").await;
    let form = login.form.clone();
    let (code, state) = form.split_once("&state=").unwrap();
    for wrong in [
        code.to_owned(),
        format!("{code}&state="),
        format!("{code}&state=x"),
        format!("{code}&state={state}&state={state}"),
        "error=access_denied".to_owned(),
        format!("state={state}"),
        format!("code=%ff&state={state}"),
        format!("{code}&state={state}&error=access_denied"),
        String::new(),
    ] {
        let answer = login.post(PATH, FOREIGN[0], &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(answer.login_cookies().is_empty());
    }
    // A state in the query does not count.
    let query = format!("{PATH}?state={state}");
    let answer = login.post(&query, FOREIGN[0], code).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a_form_without_the_logins_cookie_is_refused() {
    let mut login = Login::new("approve=1").await;
    login.browser.cookies.clear();
    let answer = login.finish().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("No login is in progress"));
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn a_form_is_bounded_and_a_form() {
    let mut login = Login::new("approve=1").await;
    let form = login.form.clone();
    let long = format!("{form}&x={}", "a".repeat(64 * 1024));
    let answer = login.post(PATH, FOREIGN[0], &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let browser = &mut login.browser;
    for headers in [&[][..], &[("content-type", "text/plain")]] {
        let answer = browser.send(Method::POST, PATH, headers, &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

#[tokio::test]
async fn a_denial_in_a_form_is_shown_again_on_reload() {
    let mut login = Login::new("deny=1").await;
    for _ in 0..2 {
        let answer = login.finish().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("Access was not given"));
    }
    assert_eq!(login.token_requests(), 0);
}

#[tokio::test]
async fn a_query_at_a_form_posts_callback_is_refused() {
    let mut login = Login::new("approve=1").await;
    let path = format!("{PATH}?{}", login.form);
    let answer = login.browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("cannot be read"));
    assert_eq!(login.token_requests(), 0);
    assert_eq!(login.finish().await.location(), "/settings");
}

/// A provider with another response mode takes no form.
#[tokio::test]
async fn other_callbacks_take_no_foreign_form() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = crate::login::callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let (path, form) = path.split_once('?').unwrap();
    let headers = [FORM, FOREIGN[0]];
    let answer = browser.send(Method::POST, path, &headers, form).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_refused_exchange_of_a_form_is_shown_again_on_reload() {
    let mut login = Login::new("approve=1").await;
    login
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::HtmlServerError);
    for _ in 0..2 {
        let answer = login.finish().await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(login.token_requests(), 1);
}
