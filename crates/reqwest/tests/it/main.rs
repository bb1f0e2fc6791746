//! The middleware and the transport over real HTTP.

#![allow(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod attach;
mod bodies;
mod errors;
mod login_origins;
mod per_request;
mod redirects;
mod support;
mod timeout;
#[path = "../../../tower/tests/it/transport.rs"]
mod transport;
mod unreplaced;
