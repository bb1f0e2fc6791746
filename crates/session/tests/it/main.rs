//! The engine against the emulators, in process and with paused time.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod classes;
mod connect;
mod harness;
mod processes;
mod refresh;
mod rejected;
mod revalidation;
mod store_failures;
