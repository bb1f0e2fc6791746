//! Where callbacks are served: behind a proxy, on loopback, at the root.

use axum::{
    Router,
    http::{Method, StatusCode},
};
use tokenkeeper_axum::{Error, Routes};
use tokenkeeper_emulator::{Emulator, PlainOptions, RegisteredClient};
use tokenkeeper_engine::{
    Accounts,
    protocol::{Dialect, Registration},
};

use crate::app::{self, App, OWN};
use crate::login::callback;

/// A plain provider that knows these redirect URIs, and accounts with the first one.
async fn plain(registered: &str, known: &str) -> (Emulator, Accounts) {
    let client = RegisteredClient::new("my-client").secret("s3cr3t");
    let emulator = Emulator::plain().options(PlainOptions::default().any_loopback_port());
    let emulator = emulator
        .client(client.redirect_uri(known))
        .start()
        .await
        .unwrap();
    let dialect = Dialect::rfc6749("acme", emulator.base()).unwrap();
    let registration = Registration::new("my-client", registered).secret("s3cr3t");
    let accounts = app::accounts().provider(dialect.with(registration).unwrap());
    (emulator, accounts.build().unwrap())
}

/// Logs in with a browser for which the application is at `origin`. Returns what it asks for at the
/// end, without the origin.
async fn connect(emulator: &Emulator, app: &App, origin: &str, strip: &str) -> String {
    let mut browser = app.browser();
    let headers = [("origin", origin)];
    let started = browser
        .send(Method::POST, "/connect/acme", &headers, "")
        .await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.body);
    let location = app::location(emulator, started.location(), "approve=1").await;
    let path = location.strip_prefix(origin).unwrap();
    let path = path.strip_prefix(strip).unwrap();
    // What a browser asks for if a URL has no path.
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let answer = browser.get(&path).await;
    assert_eq!(answer.location(), "/settings", "{}", answer.body);
    path
}

#[tokio::test]
async fn a_proxy_may_remove_a_prefix() {
    for (uri, prefix, path) in [
        ("/api/oauth/acme", "/api", "/oauth/acme?"),
        ("/api/oauth/acme/", "/api/", "/oauth/acme/?"),
        ("/a/b/cb", "/a/b", "/cb?"),
        ("/api", "/api", "/?"),
    ] {
        let uri = format!("{OWN}{uri}");
        let (emulator, accounts) = plain(&uri, &uri).await;
        let app = App::with(accounts, |routes| routes.behind_prefix(prefix));
        let strip = prefix.trim_end_matches('/');
        let asked = connect(&emulator, &app, OWN, strip).await;
        assert!(asked.starts_with(path), "{asked}");
    }
}

#[tokio::test]
async fn nested_routes_need_the_prefix_too() {
    let uri = format!("{OWN}/api/oauth/acme");
    let (emulator, accounts) = plain(&uri, &uri).await;
    let app = App::wrapped(
        accounts,
        |routes| routes.behind_prefix("/api"),
        |router| Router::new().nest("/api", router),
    );
    let mut browser = app.browser();
    let started = browser.post("/api/connect/acme").await;
    let (path, _) = app::at_provider(&emulator, started.location(), "approve=1").await;
    assert!(path.starts_with("/api/oauth/acme?"));
    assert_eq!(browser.get(&path).await.location(), "/settings");
}

#[tokio::test]
async fn a_callback_outside_the_prefix_is_an_error() {
    for path in ["/oauth/acme", "/apiary/oauth", "/ap"] {
        let uri = format!("{OWN}{path}");
        let (_emulator, accounts) = plain(&uri, &uri).await;
        let routes = Routes::new(&accounts, |_| None).behind_prefix("/api");
        let error = routes.router::<()>().unwrap_err();
        assert!(matches!(error, Error::OutsidePrefix { .. }), "{error}");
    }
    let uri = format!("{OWN}/cb");
    let (_emulator, accounts) = plain(&uri, &uri).await;
    let routes = Routes::new(&accounts, |_| None).behind_prefix("https://app.example/api");
    let error = routes.router::<()>().unwrap_err();
    assert!(matches!(error, Error::LocalPath { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_uri_is_sent_as_registered() {
    for (uri, path) in [
        ("http://localhost:8080", "/?"),
        ("http://localhost:8080/", "/?"),
        ("http://localhost:8080/cb/", "/cb/?"),
        ("http://localhost/cb", "/cb?"),
        ("http://[::1]:8080/cb", "/cb?"),
    ] {
        // The emulator compares it byte by byte.
        let (emulator, accounts) = plain(uri, uri).await;
        let app = App::with(accounts, |routes| routes);
        let (scheme, rest) = uri.split_once("://").unwrap();
        let origin = format!("{scheme}://{}", rest.split('/').next().unwrap());
        let asked = connect(&emulator, &app, &origin, "").await;
        assert!(asked.starts_with(path), "{asked}");
    }
}

#[tokio::test]
async fn logins_on_loopback_use_the_port_of_the_listener() {
    for registered in ["http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"] {
        let (emulator, accounts) = plain(registered, registered).await;
        let app = App::with(accounts, |routes| routes.redirect_port(49152));
        connect(&emulator, &app, "http://127.0.0.1:49152", "").await;
    }
}

#[tokio::test]
async fn a_flow_of_another_port_is_refused() {
    let uri = "http://127.0.0.1/cb";
    let (emulator, accounts) = plain(uri, uri).await;
    let one = App::with(accounts.clone(), |routes| routes.redirect_port(49152));
    let other = App::with(accounts, |routes| routes.redirect_port(49153));
    let mut browser = one.browser();
    let headers = [("origin", "http://127.0.0.1:49152")];
    let started = browser
        .send(Method::POST, "/connect/acme", &headers, "")
        .await;
    let location = app::location(&emulator, started.location(), "approve=1").await;
    let path = location.strip_prefix("http://127.0.0.1:49152").unwrap();
    let mut elsewhere = other.browser();
    elsewhere.cookies = browser.cookies.clone();
    let answer = elsewhere.get(path).await;
    assert!(answer.body.contains("another provider"), "{}", answer.body);
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn a_port_beyond_loopback_is_an_error() {
    for uri in ["https://app.example/cb", "http://localhost/cb"] {
        let (_emulator, accounts) = plain(uri, uri).await;
        let routes = Routes::new(&accounts, |_| None).redirect_port(49152);
        let error = routes.router::<()>().unwrap_err();
        assert!(matches!(error, Error::RedirectPort { .. }), "{error}");
    }
}

/// Its origin would be `null`, which any page can send.
#[tokio::test]
async fn a_private_use_scheme_is_an_error() {
    let uri = "com.example.app:/cb";
    let (_emulator, accounts) = plain(uri, uri).await;
    let error = Routes::new(&accounts, |_| None).router::<()>().unwrap_err();
    assert!(matches!(error, Error::PrivateScheme { .. }), "{error}");
}

#[tokio::test]
async fn another_path_is_no_callback() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    for other in [
        path.replace("/oauth/amiqus", "/oauth/amiqus/"),
        path.replace("/oauth", "/OAuth"),
        path.replace("/oauth/", "//oauth/"),
    ] {
        assert_eq!(browser.get(&other).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(browser.get(&path).await.location(), "/settings");
}
