//! What the log says about a browser that is refused.
//!
//! A subscriber sees all events only if it is set before any test runs, so these tests have their
//! own binary.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

#[path = "../it/app.rs"]
#[allow(dead_code, reason = "the other binary uses the rest")]
mod app;

use axum::http::Method;
use tokenkeeper_test_support::log;

use crate::app::{App, Browser};

/// Returns a browser of an application that logs into memory from now on.
async fn browser() -> Browser {
    log::start();
    let (_, provider) = app::amiqus().await;
    let browser = App::new(provider).browser();
    log::take_lines();
    browser
}

/// Returns the only line of this crate since the last call.
#[track_caller]
fn line() -> String {
    log::assert_one_such_line("INFO", &["tokenkeeper_axum"])
}

#[tokio::test]
async fn a_page_of_another_origin_is_logged_with_both_origins() {
    let mut browser = browser().await;
    let foreign = [("origin", "http://localhost:3000")];
    browser
        .send(Method::POST, "/connect/amiqus", &foreign, "")
        .await;
    let line = line();
    for part in [
        " INFO ",
        "foreign-origin",
        "provider=\"amiqus\"",
        "expected=\"https://app.example\"",
        "http://localhost:3000",
    ] {
        assert!(line.contains(part), "no `{part}` in {line}");
    }
}

#[tokio::test]
async fn a_refused_callback_is_logged_with_its_reason() {
    let mut browser = browser().await;
    browser.get("/oauth/amiqus?code=secret-code&state=x").await;
    let line = line();
    assert!(
        line.contains(" INFO ") && line.contains("no-flow"),
        "{line}"
    );
    assert!(!line.contains("secret-code"), "{line}");
}

#[tokio::test]
async fn a_signed_out_person_is_logged() {
    let mut browser = browser().await;
    browser.person = None;
    browser.post("/connect/amiqus").await;
    assert!(line().contains("signed-out"));
}
