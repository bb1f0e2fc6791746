//! Regression tests for faults that programs on the public API have met.

mod clocks;
mod configuration;
mod dead_tasks;
mod growth;
mod keep_alive;
mod late;
mod lost;
mod options;
mod panics;
mod refusals;
mod rejected;
mod replaced;
mod revocation;
mod runtimes;
mod serving;
mod slow_store;

use std::time::Duration;

use http::Response;
use serde_json::json;
use tokenkeeper_emulator::Fault as EndpointFault;
use tokenkeeper_engine::{Account, Error};

/// Returns an HTML page, as a proxy sends in place of the endpoint's answer.
fn html(status: u16) -> EndpointFault {
    let page = "<html><title>Not here</title></html>";
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body(page.into());
    EndpointFault::Answer(response.unwrap())
}

/// Returns a refusal with an error code.
fn refusal(status: u16, code: &str) -> EndpointFault {
    EndpointFault::json(status, &json!({ "error": code }))
}

/// Asks for a token at an interval for a time, and checks that each call fails as expected.
async fn assert_fails_for(
    account: &Account,
    time: Duration,
    interval: Duration,
    is_expected: fn(&Error) -> bool,
) {
    let started = tokio::time::Instant::now();
    while started.elapsed() < time {
        let error = account.token().await.unwrap_err();
        assert!(is_expected(&error), "{error:?}");
        tokio::time::sleep(interval).await;
    }
}

const fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. })
}

const fn is_configuration(error: &Error) -> bool {
    matches!(error, Error::Configuration { .. })
}

/// Asks for a token until there is one, and returns how long that took.
async fn until_token(account: &Account, every: Duration, limit: Duration) -> Duration {
    let started = tokio::time::Instant::now();
    while let Err(error) = account.token().await {
        let waited = started.elapsed();
        assert!(waited <= limit, "no token after {waited:?}: {error:?}");
        tokio::time::sleep(every).await;
    }
    started.elapsed()
}
