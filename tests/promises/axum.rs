//! The routes connect and disconnect the person who is signed in.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, request::Parts},
};
use bytes::Bytes;
use tokenkeeper::{Accounts, Error, MemoryStore, axum::Routes, providers::Amiqus};
use tokenkeeper_emulator::{Emulator, RegisteredClient};
use tower::ServiceExt as _;

use crate::setup::transport;

const OWN: &str = "https://app.example";

/// The person whom the application's session names.
#[derive(Clone)]
struct SignedIn(&'static str);

struct App {
    emulator: Emulator,
    accounts: Accounts,
    router: Router,
}

impl App {
    async fn start() -> Self {
        let redirect_uri = format!("{OWN}/oauth/amiqus");
        let client = RegisteredClient::new("my-client").secret("s3cr3t");
        let client = client.redirect_uri(&redirect_uri);
        let emulator = Emulator::amiqus().client(client).start().await.unwrap();
        let registration = tokenkeeper::protocol::Registration::new("my-client", &redirect_uri);
        let registration = registration.secret("s3cr3t");
        let provider = Amiqus::new(registration).unwrap();
        let accounts = Accounts::builder(MemoryStore::new())
            .provider(provider.base(emulator.base()).unwrap())
            .transport(transport())
            .build()
            .unwrap();
        let person = |parts: &Parts| Some(parts.extensions.get::<SignedIn>()?.0.to_owned());
        let routes = Routes::new(&accounts, person).on_connected("/settings");
        let router = routes.router().unwrap();
        Self {
            emulator,
            accounts,
            router,
        }
    }

    /// Sends a request of this person's browser. Returns status, location and cookie.
    async fn send(
        &self,
        method: &str,
        path: &str,
        person: &'static str,
        cookie: &str,
    ) -> (StatusCode, String, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("origin", OWN)
            .header("cookie", cookie)
            .extension(SignedIn(person))
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let text = |name| {
            let value = response.headers().get(name);
            value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        let cookie = text("set-cookie");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        (response.status(), text("location"), cookie)
    }

    /// Approves at the provider. Returns the path of the callback.
    async fn approve(&self, url: &str) -> String {
        let page = Request::get(format!("{url}&approve=1"))
            .body(Bytes::new())
            .unwrap();
        let answer = self.emulator.call(page).await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        location.strip_prefix(OWN).unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_person_connects_and_disconnects() {
    let app = App::start().await;
    let (status, url, cookie) = app.send("POST", "/connect/amiqus", "ann", "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let callback = app.approve(&url).await;
    let (status, location, _) = app.send("GET", &callback, "ann", &cookie).await;
    assert_eq!((status, &*location), (StatusCode::SEE_OTHER, "/settings"));
    let account = app.accounts.account("amiqus", "ann").unwrap();
    assert_eq!(account.token().await.unwrap().generation(), 1);

    let (status, ..) = app.send("POST", "/disconnect/amiqus", "ann", "").await;
    assert!(status.is_redirection() || status.is_success(), "{status}");
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[tokio::test]
async fn another_person_cannot_finish_a_login() {
    let app = App::start().await;
    let (_, url, cookie) = app.send("POST", "/connect/amiqus", "ann", "").await;
    let callback = app.approve(&url).await;
    let (status, page, _) = app.send("GET", &callback, "bob", &cookie).await;
    // The failure's page has a URL without the code.
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(!page.contains("code="), "{page}");
    let (status, ..) = app.send("GET", &page, "bob", &cookie).await;
    assert!(status.is_client_error(), "{status}");
    for person in ["ann", "bob"] {
        let account = app.accounts.account("amiqus", person).unwrap();
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::NotConnected { .. }), "{error:?}");
    }
    assert_eq!(app.emulator.counters().exchanges(), 0);
}
