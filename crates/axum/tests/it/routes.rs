//! Which sets of routes make a router.

use axum::http::StatusCode;
use tokenkeeper_axum::{Error, Routes};
use tokenkeeper_engine::Accounts;
use tokenkeeper_pages::STYLE_SOURCE;
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;

use crate::app::{self, App};

fn amiqus(path: &str) -> Accounts {
    let provider = Amiqus::new(app::registration(path)).unwrap();
    app::accounts().provider(provider).build().unwrap()
}

fn error(routes: Routes) -> Error {
    routes.router::<()>().unwrap_err()
}

#[tokio::test]
async fn a_path_of_another_site_is_refused() {
    let accounts = amiqus("/cb");
    let routes = || Routes::new(&accounts, |_| None);
    for elsewhere in [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "settings",
        "/a#b",
    ] {
        for routes in [
            routes().on_connected(elsewhere),
            routes().on_failed(elsewhere),
            routes().on_disconnected(elsewhere),
            routes().at(elsewhere),
        ] {
            assert!(
                matches!(error(routes), Error::LocalPath { .. }),
                "{elsewhere}"
            );
        }
    }
}

#[tokio::test]
async fn two_providers_cannot_share_a_redirect_path() {
    let accounts = app::accounts()
        .provider(Amiqus::new(app::registration("/cb")).unwrap())
        .provider(IOffice::new(app::registration("/cb")).unwrap())
        .build()
        .unwrap();
    let shared = error(Routes::new(&accounts, |_| None));
    let (first, second) = ("amiqus".into(), "ioffice".into());
    assert_eq!(
        shared,
        Error::SharedPath {
            path: "/cb".into(),
            first,
            second
        }
    );
}

#[tokio::test]
async fn a_callback_cannot_take_the_path_of_a_form() {
    let accounts = amiqus("/connect/amiqus");
    let taken = error(Routes::new(&accounts, |_| None));
    assert!(matches!(taken, Error::TakenPath { .. }));
    let moved = Routes::new(&accounts, |_| None).at("/accounts");
    assert!(moved.router::<()>().is_ok());
}

#[tokio::test]
async fn forms_can_be_moved() {
    let app = App::with(amiqus("/cb"), |routes| routes.at("/accounts/"));
    let mut browser = app.browser();
    let moved = browser.post("/accounts/connect/amiqus").await;
    assert_eq!(moved.status, StatusCode::SEE_OTHER);
    let before = browser.post("/connect/amiqus").await;
    assert_eq!(before.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_registered_path_is_not_a_pattern() {
    let app = App::with(amiqus("/:a/*b/%7Bc%7D"), |routes| routes);
    let answer = app.browser().get("/:a/*b/%7Bc%7D?code=x&state=y").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        app.browser().get("/x/y/z?code=x&state=y").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn every_response_is_hardened() {
    let accounts = amiqus("/cb");
    let app = App::with(accounts, |routes| routes);
    let mut browser = app.browser();
    for answer in [
        browser.get("/cb?code=x").await,
        browser.post("/connect/amiqus").await,
        browser.post("/connect/unknown").await,
        browser.get("/connect/amiqus").await,
    ] {
        assert_eq!(answer.headers["cache-control"], "no-store");
        // A page with a form names its origin.
        let has_form = answer.body.contains("<form");
        let referrer = ["no-referrer", "strict-origin"][usize::from(has_form)];
        assert_eq!(answer.headers["referrer-policy"], referrer);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let style = if answer.body.is_empty() {
            String::new()
        } else {
            format!("style-src {STYLE_SOURCE}; ")
        };
        let forms = ["'none'", "'self' https:"][usize::from(has_form)];
        let policy = format!(
            "default-src 'none'; {style}base-uri 'none'; form-action {forms}; \
             frame-ancestors 'none'"
        );
        assert_eq!(answer.headers["content-security-policy"], policy);
    }
}

#[tokio::test]
async fn debug_shows_no_account() {
    let routes = Routes::new(&amiqus("/cb"), |_| None);
    assert!(format!("{routes:?}").starts_with("Routes {"));
}
