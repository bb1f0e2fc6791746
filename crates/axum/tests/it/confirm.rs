//! Redirects without a state: another person's link, and the login's own.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use tokenkeeper_axum::Routes;
use tokenkeeper_emulator::{Emulator, IOfficeOptions};
use tokenkeeper_engine::{
    Status, TestClock,
    protocol::{Dialect, StateEcho, TokenSet, url::form_urlencoded},
};
use tokenkeeper_pages::STYLE_SOURCE;

use crate::app::{self, Answer, App, Browser, OWN, registered};

/// A provider whose redirects may have no state, in the query or in the fragment.
struct Site {
    emulator: Emulator,
    app: App,
    brand: &'static str,
    path: &'static str,
}

impl Site {
    async fn ioffice(options: IOfficeOptions) -> Self {
        Self::ioffice_with(options, several).await
    }

    async fn ioffice_with(options: IOfficeOptions, set: impl FnOnce(Routes) -> Routes) -> Self {
        let (emulator, provider) = app::ioffice_with(options).await;
        Self {
            app: App::with_routes(provider, set),
            emulator,
            brand: "ioffice",
            path: "/oauth/ioffice",
        }
    }

    /// A provider that answers in the query; its emulator returns the state, and tests remove it.
    async fn query(echo: StateEcho) -> Self {
        let path = "/oauth/acme";
        let emulator = Emulator::plain().client(registered(path));
        let emulator = emulator.start().await.unwrap();
        let mut dialect = Dialect::rfc6749("acme", emulator.base()).unwrap();
        dialect.authorization.state_echo = echo;
        let provider = dialect.with(app::registration(path)).unwrap();
        Self {
            app: App::with_routes(provider, several),
            emulator,
            brand: "acme",
            path,
        }
    }

    async fn all() -> [Self; 3] {
        [
            Self::ioffice(IOfficeOptions::default()).await,
            Self::query(StateEcho::Unknown).await,
            Self::query(StateEcho::Never).await,
        ]
    }

    /// Starts a login and approves it; returns the answer of the redirect without its state.
    async fn approved(&self, browser: &mut Browser) -> String {
        self.approved_at(browser, "").await
    }

    /// The same, with this query of the form that connects.
    async fn approved_at(&self, browser: &mut Browser, query: &str) -> String {
        let answer = self.answered_at(browser, query).await;
        let (code, _) = answer.split_once("&state=").unwrap_or((&answer, ""));
        code.to_owned()
    }

    /// Starts a login and approves it; returns the answer of the redirect.
    async fn answered(&self, browser: &mut Browser) -> String {
        self.answered_at(browser, "").await
    }

    async fn answered_at(&self, browser: &mut Browser, query: &str) -> String {
        let connect = format!("/connect/{}{query}", self.brand);
        let started = browser.post(&connect).await;
        let location = started.location();
        let (path, fragment) = app::at_provider(&self.emulator, location, "approve=1").await;
        match path.split_once('?') {
            Some((_, query)) => query.to_owned(),
            None => fragment,
        }
    }

    /// Gets a code for the account of another person, who uses the application too.
    async fn attackers_answer(&self) -> String {
        let mut browser = self.app.browser();
        browser.person = Some("mallory");
        self.approved(&mut browser).await
    }

    /// Opens the callback with this answer, as a link of another site does.
    async fn open(&self, browser: &mut Browser, answer: &str) -> Answer {
        let foreign = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        if self.brand != "ioffice" {
            let link = format!("{}?{answer}", self.path);
            return browser.send(Method::GET, &link, &foreign, "").await;
        }
        let page = browser.send(Method::GET, self.path, &foreign, "").await;
        if page.status != StatusCode::OK {
            return page;
        }
        // What the page's script does.
        let nonce = page.quoted_after("data-nonce=\"");
        let headers = [("origin", OWN), ("x-tokenkeeper-nonce", nonce)];
        browser
            .send(Method::POST, self.path, &headers, answer)
            .await
    }

    /// Clicks a button of the page that asks.
    async fn click(&self, browser: &mut Browser, form: &Form, button: &str) -> Answer {
        self.post(browser, &[("origin", OWN)], &form.body(button))
            .await
    }

    /// Returns the address of the page that asks about this answer.
    async fn question(&self, browser: &mut Browser, answer: &str) -> String {
        let link = format!("{}?{answer}", self.path);
        let asked = browser.once(Method::GET, &link, &[], "").await;
        asked.location().to_owned()
    }

    async fn post(&self, browser: &mut Browser, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        browser.send(Method::POST, self.path, &all, body).await
    }

    fn requests(&self) -> u64 {
        self.emulator.counters().token_requests
    }

    async fn status(&self, person: &str) -> Status {
        let account = self.app.accounts.account(self.brand, person).unwrap();
        account.status().await.unwrap()
    }
}

fn several(routes: Routes) -> Routes {
    routes.account_names(|person, name| Some(format!("{person}/{name}")))
}

/// The form of the page that asks.
#[derive(Debug)]
struct Form {
    /// The sealed redirect.
    redirect: String,
}

impl Form {
    /// Reads the form of the page in the query's case, of the script's in the fragment's.
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let name = match answer.headers["content-type"].to_str().unwrap() {
            "application/json" => "\"confirm\":\"",
            _ => "name=\"redirect\" value=\"",
        };
        Self {
            redirect: answer.quoted_after(name).to_owned(),
        }
    }

    fn body(&self, button: &str) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("redirect", &self.redirect)
            .append_pair("answer", button)
            .finish()
    }
}

#[tokio::test]
async fn anothers_link_connects_nothing_unless_confirmed() {
    for site in Site::all().await {
        let link = site.attackers_answer().await;
        let mut victim = site.app.browser();
        let own = site.approved(&mut victim).await;
        for _ in 0..2 {
            let asked = site.open(&mut victim, &link).await;
            assert_eq!(asked.status, StatusCode::OK);
            assert!(
                asked.body.contains("Connect your account at"),
                "{}",
                asked.body
            );
            assert!(asked.body.contains(site.emulator.base()));
        }
        assert_eq!(site.requests(), 0);
        assert_eq!(site.status("user-42").await, Status::NotConnected);
        // The login is still in progress, and the person finishes it.
        let asked = site.open(&mut victim, &own).await;
        let form = Form::of(&asked);
        let connected = site.click(&mut victim, &form, "connect").await;
        assert_eq!(connected.location(), "/settings");
        assert!(matches!(site.status("user-42").await, Status::Connected(_)));
        assert_eq!(site.emulator.counters().exchanges(), 1);
    }
}

#[tokio::test]
async fn anothers_link_without_a_login_is_refused() {
    for site in Site::all().await {
        let link = site.attackers_answer().await;
        let mut victim = site.app.browser();
        let refused = site.open(&mut victim, &link).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.body.contains("No login is in progress"));
        // Nor does a confirmation help that no page of ours asked for.
        let form = Form { redirect: link };
        let refused = site.click(&mut victim, &form, "connect").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(site.requests(), 0);
    }
}

#[tokio::test]
async fn no_ends_the_login_and_leaves_the_account() {
    for site in Site::all().await {
        let account = site.app.accounts.account(site.brand, "user-42").unwrap();
        account.adopt(TokenSet::new("kept")).await.unwrap();
        let link = site.attackers_answer().await;
        let mut victim = site.app.browser();
        let own = site.approved(&mut victim).await;
        let asked = site.open(&mut victim, &link).await;
        let form = Form::of(&asked);
        let cancelled = site.click(&mut victim, &form, "cancel").await;
        assert_eq!(cancelled.status, StatusCode::FORBIDDEN);
        assert!(cancelled.body.contains("nothing was connected"));
        assert_eq!(victim.logins(), ["not-confirmed."]);
        // Neither the form nor the real redirect finishes it any more.
        let again = site.click(&mut victim, &form, "connect").await;
        assert_eq!(again.status, StatusCode::FORBIDDEN);
        assert_eq!(
            site.open(&mut victim, &own).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(site.requests(), 0);
        assert_eq!(account.token().await.unwrap().expose(), "kept");
    }
}

#[tokio::test]
async fn a_confirmation_comes_from_our_page_in_this_browser() {
    for site in Site::all().await {
        let link = site.attackers_answer().await;
        let mut victim = site.app.browser();
        site.approved(&mut victim).await;
        let form = Form::of(&site.open(&mut victim, &link).await);
        let body = form.body("connect");
        // A page of another origin, which does not know the nonce either.
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.test")],
            &[("origin", "https://app.example.evil.test")],
        ] {
            let answer = site.post(&mut victim, headers, &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
            assert!(answer.body.contains("does not come from a page"));
        }
        for redirect in ["", "0", &*link, &form.redirect[1..]] {
            let redirect = redirect.to_owned();
            let wrong = Form { redirect };
            let answer = site.click(&mut victim, &wrong, "connect").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong:?}");
        }
        // A cross-site request would come without the strict cookie.
        let cookies = victim.cookies.clone();
        victim.cookies.retain(|name, _| !name.ends_with(".confirm"));
        let answer = site.click(&mut victim, &form, "connect").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        // Other browsers, and other people in this one.
        let mut other = site.app.browser();
        let answer = site.click(&mut other, &form, "connect").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        victim.cookies = cookies;
        victim.person = None;
        let answer = site.click(&mut victim, &form, "connect").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(site.requests(), 0);
        assert_eq!(site.status("user-42").await, Status::NotConnected);
    }
}

#[tokio::test]
async fn a_confirmation_is_for_its_own_login() {
    for site in Site::all().await {
        let mut browser = site.app.browser();
        let first = site.approved(&mut browser).await;
        let form = Form::of(&site.open(&mut browser, &first).await);
        site.approved(&mut browser).await;
        let answer = site.click(&mut browser, &form, "connect").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("used before"), "{}", answer.body);
        assert_eq!(site.requests(), 0);
    }
}

#[tokio::test]
async fn a_confirmation_that_comes_again_exchanges_nothing() {
    for site in Site::all().await {
        let mut browser = site.app.browser();
        let own = site.approved(&mut browser).await;
        let form = Form::of(&site.open(&mut browser, &own).await);
        let cookies = browser.cookies.clone();
        for _ in 0..2 {
            let answer = site.click(&mut browser, &form, "connect").await;
            assert_eq!(answer.location(), "/settings");
        }
        // A browser may have missed the first response.
        browser.cookies = cookies;
        let answer = site.click(&mut browser, &form, "connect").await;
        assert_eq!(answer.location(), "/settings");
        assert_eq!(site.emulator.counters().exchanges(), 1);
        assert_eq!(site.requests(), 1);
    }
}

#[tokio::test]
async fn a_confirmation_expires_with_its_login() {
    let clock = TestClock::starting_at(std::time::SystemTime::now());
    let (emulator, provider) = app::ioffice_with(IOfficeOptions::default()).await;
    let accounts = app::accounts().provider(provider).clock(clock.clone());
    let app = App::with(accounts.build().unwrap(), |routes| routes);
    let site = Site {
        emulator,
        app,
        brand: "ioffice",
        path: "/oauth/ioffice",
    };
    let mut browser = site.app.browser();
    let own = site.approved(&mut browser).await;
    let form = Form::of(&site.open(&mut browser, &own).await);
    clock.advance(Duration::from_secs(601));
    let late = site.click(&mut browser, &form, "connect").await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert!(late.body.contains("took too long"), "{}", late.body);
    assert_eq!(site.requests(), 0);
}

#[tokio::test]
async fn unreadable_confirmations_end_nothing() {
    let site = Site::query(StateEcho::Unknown).await;
    let mut browser = site.app.browser();
    let own = site.approved(&mut browser).await;
    let form = Form::of(&site.open(&mut browser, &own).await);
    let good = form.body("connect");
    let (start, _) = good.split_once("&answer=").unwrap();
    for body in [
        "",
        "answer=connect",
        start,
        &format!("{start}&answer=yes"),
        "%ff",
    ] {
        let answer = site.post(&mut browser, &[("origin", OWN)], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let long = format!("{good}&x={}", "a".repeat(300_000));
    let answer = site.post(&mut browser, &[("origin", OWN)], &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(site.requests(), 0);
    let answer = site.click(&mut browser, &form, "connect").await;
    assert_eq!(answer.location(), "/settings");
}

#[tokio::test]
async fn the_page_that_asks_cannot_be_framed_and_needs_no_script() {
    let site = Site::query(StateEcho::Never).await;
    let mut browser = site.app.browser();
    site.approved(&mut browser).await;
    let page = site.open(&mut browser, "code=abc").await;
    let headers = &page.headers;
    let policy = format!(
        "default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    assert_eq!(headers["content-security-policy"], policy);
    assert_eq!(headers["cache-control"], "no-store");
    // The form names its origin, and no page learns the address from `Referer`.
    assert_eq!(headers["referrer-policy"], "strict-origin");
    assert!(page.body.contains("<form method=\"post\" action=\"?\">"));
    assert!(
        page.body
            .contains("<button name=\"answer\" value=\"connect\">")
    );
    assert!(!page.body.contains("<script"));
    let cookie = page.set_cookies()[0];
    assert!(cookie.starts_with("__Host-tokenkeeper.acme.confirm="));
    let attributes = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=";
    assert!(cookie.contains(attributes), "{cookie}");
    assert!(!cookie.contains("code"));
}

#[tokio::test]
async fn the_page_that_asks_has_no_code() {
    for site in Site::all().await {
        let mut browser = site.app.browser();
        let own = site.approved(&mut browser).await;
        let code = own.split(['=', '&']).nth(1).unwrap().to_owned();
        browser.seen.clear();
        let asked = site.open(&mut browser, &own).await;
        assert!(!browser.seen.contains(&code), "{}", browser.seen);
        let form = Form::of(&asked);
        let connected = site.click(&mut browser, &form, "connect").await;
        assert_eq!(connected.location(), "/settings");
        assert!(!browser.seen.contains(&code), "{}", browser.seen);
    }
}

#[tokio::test]
async fn the_page_that_asks_comes_again_until_it_is_answered() {
    let site = Site::query(StateEcho::Unknown).await;
    let mut browser = site.app.browser();
    let own = site.approved(&mut browser).await;
    let address = site.question(&mut browser, &own).await;
    let mut asked = browser.get(&address).await;
    for _ in 0..2 {
        asked = browser.get(&address).await;
        assert!(asked.body.contains("Connect your account at"));
    }
    let form = Form::of(&asked);
    let connected = site.click(&mut browser, &form, "connect").await;
    assert_eq!(connected.location(), "/settings");
    // The back button leads on.
    assert_eq!(browser.get(&address).await.location(), "/settings");

    let own = site.approved(&mut browser).await;
    let address = site.question(&mut browser, &own).await;
    let form = Form::of(&browser.get(&address).await);
    site.click(&mut browser, &form, "cancel").await;
    let cancelled = browser.get(&address).await;
    assert!(cancelled.body.contains("You cancelled this login"));
}

#[tokio::test]
async fn a_cancelled_login_is_tried_again_for_its_account() {
    let account = "name=\"account\" value=\"work\"";
    let sites = [
        Site::query(StateEcho::Unknown).await,
        Site::ioffice(IOfficeOptions::default()).await,
    ];
    for site in sites {
        let mut browser = site.app.browser();
        let own = site.approved_at(&mut browser, "?account=work").await;
        let form = Form::of(&site.open(&mut browser, &own).await);
        // The form comes again if the person reloads the page about the cancelled login.
        for _ in 0..2 {
            let cancelled = site.click(&mut browser, &form, "cancel").await;
            assert!(cancelled.body.contains("You cancelled this login"));
            assert!(cancelled.body.contains(account), "{}", cancelled.body);
        }
        let back = format!("{}?ask={}", site.path, form.redirect);
        let again = browser.get(&back).await;
        assert!(again.body.contains(account), "{}", again.body);
    }
}

#[tokio::test]
async fn a_link_to_the_page_that_asks_connects_nothing() {
    let site = Site::query(StateEcho::Unknown).await;
    let mut mallory = site.app.browser();
    mallory.person = Some("mallory");
    let link = site.approved(&mut mallory).await;
    let address = site.question(&mut mallory, &link).await;
    let mut victim = site.app.browser();
    let refused = victim.get(&address).await;
    assert!(refused.body.contains("No login is in progress"));
    let own = site.approved(&mut victim).await;
    for address in [
        &address,
        "/oauth/acme?ask=%22%3E%3Cb%3E",
        "/oauth/acme?ask=",
    ] {
        let asked = victim.get(address).await;
        assert!(!asked.body.contains("<b>"));
        let form = Form::of(&asked);
        let refused = site.click(&mut victim, &form, "connect").await;
        assert!(refused.body.contains("used before"), "{}", refused.body);
    }
    assert_eq!(site.requests(), 0);
    victim.person = Some("user-43");
    let refused = victim.get(&address).await;
    assert!(refused.body.contains("Someone else started this login"));
    victim.person = Some("user-42");
    let form = Form::of(&site.open(&mut victim, &own).await);
    let connected = site.click(&mut victim, &form, "connect").await;
    assert_eq!(connected.location(), "/settings");
}

#[tokio::test]
async fn a_redirect_too_long_for_an_address_is_asked_about_there() {
    let site = Site::query(StateEcho::Unknown).await;
    let mut browser = site.app.browser();
    let own = site.approved(&mut browser).await;
    let long = format!("{own}&session_state={}", "a".repeat(4000));
    let link = format!("{}?{long}", site.path);
    let asked = browser.once(Method::GET, &link, &[], "").await;
    let form = Form::of(&asked);
    assert!(!asked.body.contains(&own));
    // The code leaves the address and the history.
    let script = asked.quoted_after("<script nonce=\"");
    let removes = format!("{script}\">history.replaceState(null, '', location.pathname);</script>");
    assert!(asked.body.contains(&removes), "{}", asked.body);
    let policy = asked.headers["content-security-policy"].to_str().unwrap();
    let allows = format!("script-src 'nonce-{script}'");
    assert!(policy.contains(&allows), "{policy}");
    let connected = site.click(&mut browser, &form, "connect").await;
    assert_eq!(connected.location(), "/settings");
}

#[tokio::test]
async fn the_relays_script_shows_the_form_that_asks() {
    let site = Site::ioffice(IOfficeOptions::default()).await;
    let mut browser = site.app.browser();
    site.approved(&mut browser).await;
    let page = browser.get(site.path).await;
    assert!(
        page.body
            .contains("<form id=\"confirm\" method=\"post\" hidden>")
    );
    assert!(
        page.body
            .contains("<button name=\"answer\" value=\"cancel\">")
    );
    assert!(
        page.body
            .contains("form.elements.redirect.value = answer.confirm;")
    );
    assert!(
        page.body
            .contains("if (answer.confirm) return ask(answer);")
    );
    assert_eq!(page.headers["referrer-policy"], "strict-origin");
}

#[tokio::test]
async fn a_page_of_the_application_may_show_that_it_was_cancelled() {
    let options = IOfficeOptions::default();
    let site = Site::ioffice_with(options, |routes| routes.on_failed("/settings")).await;
    let mut browser = site.app.browser();
    let own = site.approved(&mut browser).await;
    let form = Form::of(&site.open(&mut browser, &own).await);
    let cancelled = site.click(&mut browser, &form, "cancel").await;
    assert_eq!(cancelled.location(), "/settings?failure=not-confirmed");
}

#[tokio::test]
async fn a_site_that_returned_the_state_once_must_do_so() {
    let echoing = Site::ioffice(IOfficeOptions::default().echo_state()).await;
    for site in [echoing, Site::query(StateEcho::Unknown).await] {
        let mut browser = site.app.browser();
        // No person is asked where the state came back.
        let answer = site.answered(&mut browser).await;
        assert!(answer.contains("&state="));
        let done = site.open(&mut browser, &answer).await;
        assert!(done.body.contains("/settings") || done.location() == "/settings");
        assert_eq!(site.emulator.counters().exchanges(), 1);

        let link = site.attackers_answer().await;
        let own = site.answered(&mut browser).await;
        let refused = site.open(&mut browser, &link).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let word = "does not belong to the login";
        assert!(refused.body.contains(word), "{}", refused.body);
        // A page that asked before cannot be confirmed either.
        assert_eq!(site.emulator.counters().exchanges(), 1);
        let done = site.open(&mut browser, &own).await;
        assert!(done.body.contains("/settings") || done.location() == "/settings");
    }
}

#[tokio::test]
async fn a_page_that_asked_is_void_once_the_site_returns_states() {
    let site = Site::query(StateEcho::Unknown).await;
    let link = site.attackers_answer().await;
    let mut victim = site.app.browser();
    site.approved(&mut victim).await;
    let form = Form::of(&site.open(&mut victim, &link).await);
    let mut other = site.app.browser();
    other.person = Some("user-43");
    let answer = site.answered(&mut other).await;
    assert_eq!(site.open(&mut other, &answer).await.location(), "/settings");

    let refused = site.click(&mut victim, &form, "connect").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.status("user-42").await, Status::NotConnected);
}

/// Only then does a verifier that does not fit say so.
#[tokio::test]
async fn a_site_that_checks_pkce_refuses_anothers_code() {
    let site = Site::ioffice(IOfficeOptions::default().check_pkce()).await;
    let link = site.attackers_answer().await;
    let mut victim = site.app.browser();
    site.approved(&mut victim).await;
    let form = Form::of(&site.open(&mut victim, &link).await);
    let refused = site.click(&mut victim, &form, "connect").await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert_eq!(site.status("user-42").await, Status::NotConnected);

    let own = site.approved(&mut victim).await;
    let form = Form::of(&site.open(&mut victim, &own).await);
    let connected = site.click(&mut victim, &form, "connect").await;
    assert_eq!(connected.location(), "/settings");
}

/// Any page may send the browser to the callback.
#[tokio::test]
async fn an_error_from_another_site_ends_no_login() {
    let mut sites = Vec::from(Site::all().await);
    sites.push(Site::query(StateEcho::Always).await);
    sites.push(Site::ioffice(IOfficeOptions::default().echo_state()).await);
    for site in sites {
        let mut browser = site.app.browser();
        let own = site.answered(&mut browser).await;
        let cookies = browser.cookies.clone();
        for error in [
            "error=x",
            "error=access_denied",
            "error=x&state=x",
            "error=x&state=",
        ] {
            let answer = site.open(&mut browser, error).await;
            assert!(answer.status.is_client_error(), "{error}: {answer:?}");
            let flow = |(name, _): &(&String, &String)| {
                !name.contains(".relay") && !name.contains("-text.")
            };
            let kept: Vec<_> = browser.cookies.iter().filter(flow).collect();
            assert_eq!(kept, cookies.iter().collect::<Vec<_>>(), "{error}");
        }
        let mut done = site.open(&mut browser, &own).await;
        if done.body.contains("Connect your account") {
            done = site.click(&mut browser, &Form::of(&done), "connect").await;
        }
        assert!(done.body.contains("/settings") || done.location() == "/settings");
        assert!(matches!(site.status("user-42").await, Status::Connected(_)));
    }
}
