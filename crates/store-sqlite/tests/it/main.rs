//! Tests of the store in a SQLite file.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

#[cfg(unix)]
mod attack;
mod bad_input;
mod busy;
mod child;
mod claims;
mod compact;
mod conformance;
mod engine;
mod expiry;
mod file;
mod full;
mod listing;
mod log;
mod options;
#[cfg(unix)]
mod permissions;
mod planted;
mod processes;
#[path = "../../../store-redis/tests/it/storm/mod.rs"]
mod storm;
mod support;
mod watch;
