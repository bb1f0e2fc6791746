//! What the tests of several crates share.
//!
//! - [`World`]: an engine, an emulator and a faulty store in one process, on one clock.
//! - [`api`]: an HTTP server that accepts some tokens and records every request.
//! - [`log`]: what is logged, in memory.
//! - [`scripted`]: a token source that does what a test says.
//! - [`streams`]: requests with a streaming body whose token is rejected.
//! - [`offline`]: an engine that never sends a token request.
//! - [`redis`]: a Redis server.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    missing_debug_implementations,
    reason = "helpers of tests: a panic is how a test fails, and names say enough"
)]

pub mod api;
mod calls;
mod deployment;
pub mod log;
pub mod offline;
pub mod redis;
#[cfg(feature = "reqwest")]
mod reqwest;
pub mod scripted;
mod store;
pub mod streams;
mod transport;
mod world;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{reqwest_builder, reqwest_builder_of_environment};
pub use self::{
    calls::{
        approve, call_api_with, cause, connection, credential, drain_events, is_revocation_pending,
        issue_tokens, join_after_release, login, redirect_of, retry_after, settle,
        spawn_disconnect, spawn_login, spawn_refresh, spawn_token, visit,
    },
    deployment::{
        BASE, HOUR, LEASE, MINUTE, SECOND, amiqus, fortes, in_process, ioffice, new_clock, plain,
        qics, registration, seconds,
    },
    store::{FaultyStore, StoreFault},
    transport::{DatedTransport, HangingTransport, InProcessTransport},
    world::{World, build_engine},
};
