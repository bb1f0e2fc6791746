//! The routes in process, against emulators on loopback.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests fails by a panic, as a test does"
)]

mod app;
mod connect;
mod disconnect;
mod query;
mod relay;
mod routes;
