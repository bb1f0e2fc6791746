//! The middleware and the transport over real HTTP.

#![allow(clippy::unwrap_used, reason = "a failed setup is a failed test")]

#[path = "../../../tower/tests/it/addresses.rs"]
mod addresses;
mod attach;
mod bodies;
mod errors;
mod grpc;
#[path = "../../../tower/tests/it/http2/mod.rs"]
mod http2;
mod login_origins;
mod per_request;
mod proxies;
mod redirects;
mod support;
mod timeout;
#[path = "../../../tower/tests/it/transport.rs"]
mod transport;
mod unreplaced;
