//! The example `dashboard` and the built-in pages in Chromium, by WebDriver.
//!
//! - [`App`]: the dashboard on its emulators, in this process.
//! - [`Acme`]: a small application whose provider makes it ask whether a login is the person's.
//! - [`Browser`]: a Chromium with its own profile, and what a person does in it.
//!
//! A test has its own application and its own browser, so tests run in parallel.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    missing_debug_implementations,
    reason = "helpers of tests: a panic is how a test fails, and names say enough"
)]

mod acme;
mod app;
mod browser;
mod driver;
mod log;
mod secrets;

#[allow(
    dead_code,
    reason = "the tests start the application themselves, without `main`"
)]
#[path = "../../../examples/dashboard/main.rs"]
mod dashboard;

pub use self::{
    acme::Acme,
    app::{App, Brand},
    browser::{Browser, Settings, Tab},
    secrets::Secrets,
};
