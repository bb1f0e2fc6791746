//! What the tests of several crates share.
//!
//! - [`World`]: an engine, an emulator and a faulty store in one process, on one clock.
//! - [`api`]: an HTTP server that accepts some tokens and records every request.
//! - [`scripted`]: a token source that does what a test says.
//! - [`offline`]: an engine that never sends a token request.
//! - [`redis`]: a Redis server.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    missing_debug_implementations,
    reason = "helpers of tests: a panic is how a test fails, and names say enough"
)]

pub mod api;
pub mod offline;
pub mod redis;
pub mod scripted;
mod store;
mod transport;
mod world;

pub use self::{
    store::{Fault, FaultyStore},
    transport::{Dated, Deaf, InProcess},
    world::*,
};
