//! Faults that programs on the public API have met.

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
use tokenkeeper_emulator::Fault as Broken;
use tokenkeeper_engine::{Account, Cause, Connection, Error, Status};

const MINUTE: Duration = Duration::from_secs(60);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A page that a proxy sends in place of the endpoint's answer.
fn html(status: u16) -> Broken {
    let page = "<html><title>Not here</title></html>";
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body(page.into());
    Broken::Answer(response.unwrap())
}

/// A refusal with an error code.
fn refusal(status: u16, code: &str) -> Broken {
    Broken::json(status, &json!({ "error": code }))
}

/// What the store says of an account that has tokens.
async fn connection(account: &Account) -> Connection {
    match account.status().await.unwrap() {
        Status::Connected(connection) => connection,
        other => panic!("{other:?}"),
    }
}

/// Why an account needs a new login.
fn cause(error: &Error) -> &Cause {
    match error {
        Error::ReauthorizationRequired { cause, .. } => cause,
        other => panic!("{other:?}"),
    }
}

/// Asks for a token until there is one. Returns how long that took.
async fn until_token(account: &Account, every: Duration, limit: Duration) -> Duration {
    let started = tokio::time::Instant::now();
    while let Err(error) = account.token().await {
        let waited = started.elapsed();
        assert!(waited <= limit, "no token after {waited:?}: {error:?}");
        tokio::time::sleep(every).await;
    }
    started.elapsed()
}
