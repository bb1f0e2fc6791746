//! The account as an argument of a handler.

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::FromRef,
    http::{Request, StatusCode, request::Parts},
    routing::{get, post},
};
use tokenkeeper_axum::{ConnectedAccount, ProviderBrand, Routes};
use tokenkeeper_emulator::{DEFAULT_USER, Emulator};
use tokenkeeper_engine::{Accounts, protocol::TokenSet};
use tower::ServiceExt as _;

use crate::app::{self, SignedIn};

struct Amiqus;

impl ProviderBrand for Amiqus {
    const BRAND: &'static str = "amiqus";
}

#[derive(Clone)]
struct State {
    routes: Routes,
}

impl FromRef<State> for Routes {
    fn from_ref(state: &State) -> Self {
        state.routes.clone()
    }
}

async fn subject(account: ConnectedAccount<Amiqus>) -> String {
    account.subject().to_owned()
}

async fn of_path(account: ConnectedAccount) -> String {
    account.into_inner().subject().to_owned()
}

struct App {
    emulator: Emulator,
    accounts: Accounts,
    router: Router,
}

impl App {
    async fn new() -> Self {
        let (emulator, provider) = app::amiqus().await;
        let accounts = app::accounts().provider(provider).build().unwrap();
        let signed_in = |parts: &Parts| Some(parts.extensions.get::<SignedIn>()?.0.clone());
        let routes = Routes::new(&accounts, signed_in)
            .account_names(|person, name| (name == "work").then(|| format!("{person}/{name}")));
        let router = Router::new()
            .route("/checks", get(subject))
            .route("/checks", post(subject))
            .route("/call/{provider}", get(of_path))
            .route("/nothing", get(of_path))
            .with_state(State { routes });
        Self {
            emulator,
            accounts,
            router,
        }
    }

    async fn connect(&self, subject: &str) {
        let tokens = self.emulator.issue_tokens(DEFAULT_USER).unwrap();
        let set = TokenSet::new(tokens.access_token).with_refresh_token(tokens.refresh_token);
        let account = self.accounts.account("amiqus", subject).unwrap();
        account.adopt(set).await.unwrap();
    }

    async fn ask(&self, method: &str, path: &str, accept: &str) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept);
        let router = self
            .router
            .clone()
            .layer(Extension(SignedIn("ann".to_owned())));
        answer(router, request.body(Body::empty()).unwrap()).await
    }
}

/// Returns the status, and the redirect's target or the body.
async fn answer(router: Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.oneshot(request).await.unwrap();
    if let Some(location) = response.headers().get("location") {
        return (response.status(), location.to_str().unwrap().to_owned());
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn a_handler_gets_the_account() {
    let app = App::new().await;
    app.connect("ann").await;
    app.connect("ann/work").await;
    for (path, subject) in [
        ("/checks", "ann"),
        ("/call/amiqus", "ann"),
        ("/call/amiqus?account=work", "ann/work"),
    ] {
        let answer = app.ask("GET", path, "*/*").await;
        assert_eq!(answer, (StatusCode::OK, subject.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_page_leads_to_the_login_and_back() {
    let app = App::new().await;
    for (path, link) in [
        ("/checks", "/connect/amiqus?next=%2Fchecks"),
        ("/checks?id=7", "/connect/amiqus?next=%2Fchecks%3Fid%3D7"),
        (
            "/call/amiqus?account=work",
            "/connect/amiqus?account=work&next=%2Fcall%2Famiqus%3Faccount%3Dwork",
        ),
        (
            "/checks?next=/elsewhere",
            "/connect/amiqus?next=%2Fchecks%3Fnext%3D%2Felsewhere",
        ),
    ] {
        let answer = app.ask("GET", path, "text/html,*/*;q=0.8").await;
        assert_eq!(answer, (StatusCode::SEE_OTHER, link.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn other_requests_are_told_the_link() {
    let app = App::new().await;
    let (status, body) = app.ask("GET", "/checks", "application/json").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        body.contains(r#""connect":"/connect/amiqus?next=%2Fchecks""#),
        "{body}"
    );
    // A form's page cannot be opened again by a link.
    let (status, body) = app.ask("POST", "/checks", "text/html").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body.contains(r#""connect":"/connect/amiqus""#), "{body}");
}

#[tokio::test]
async fn a_handler_needs_a_person_a_provider_and_a_name() {
    let app = App::new().await;
    app.connect("ann").await;
    let request = Request::get("/checks").header("accept", "text/html");
    let request = request.body(Body::empty()).unwrap();
    let (status, body) = answer(app.router.clone(), request).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("signed-out"), "{body}");
    for (path, status) in [
        ("/call/acme", StatusCode::NOT_FOUND),
        ("/nothing", StatusCode::NOT_FOUND),
        ("/checks?account=home", StatusCode::BAD_REQUEST),
        ("/checks?site=evil.test", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(app.ask("GET", path, "text/html").await.0, status, "{path}");
    }
}

#[tokio::test]
async fn an_account_that_needs_a_login_is_not_connected() {
    let app = App::new().await;
    app.connect("ann").await;
    app.emulator.revoke_user(DEFAULT_USER);
    let account = app.accounts.account("amiqus", "ann").unwrap();
    account.refresh().await.unwrap_err();
    let (status, link) = app.ask("GET", "/checks", "text/html").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(link, "/connect/amiqus?next=%2Fchecks");
}
