//! Logins by a browser on the same machine.

#![allow(
    clippy::unwrap_used,
    reason = "in tests, a panic with its line is the report"
)]

mod bad_input;
mod browser;
mod confirm;
mod device;
mod loopback;
mod pages;
mod world;
