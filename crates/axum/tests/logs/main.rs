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

use std::{cell::RefCell, io, sync::Once};

use axum::http::Method;

use crate::app::{App, Browser};

thread_local! {
    /// The lines that this thread has logged. Each test runs on one thread.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a browser of an application that logs into memory from now on.
async fn browser() -> Browser {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .with_writer(|| Writer)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    let (_, provider) = app::amiqus().await;
    let browser = App::new(provider).browser();
    LINES.take();
    browser
}

/// Returns the only line of this crate since the last call.
#[track_caller]
fn line() -> String {
    let lines = String::from_utf8(LINES.take()).unwrap();
    let mut ours = lines
        .lines()
        .filter(|line| line.contains("tokenkeeper_axum"));
    let line = ours.next().unwrap().to_owned();
    assert_eq!(ours.next(), None);
    line
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
