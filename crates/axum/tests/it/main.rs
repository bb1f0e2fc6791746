//! The routes in process, against emulators on loopback.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as tests do"
)]

mod actor;
mod again;
mod app;
mod confirm;
mod connect;
mod connected;
mod cookies;
mod disconnect;
mod form_post;
mod kinds;
mod login;
mod options;
mod pages;
mod place;
mod query;
mod relay;
mod routes;
