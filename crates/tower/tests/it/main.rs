//! The layer over real HTTP, and with the layers and clients that it is used with.

#![allow(clippy::unwrap_used, reason = "a failed setup is a failed test")]

#[cfg(feature = "hyper")]
mod addresses;
mod attach;
mod axum_handler;
mod bodies;
#[cfg(feature = "hyper")]
mod connections;
#[cfg(feature = "hyper")]
mod emulated;
mod grpc;
#[cfg(feature = "hyper")]
mod http2;
mod layers;
mod login_origins;
mod octocrab;
mod per_request;
mod redirects;
mod rejected;
mod remembered;
mod support;
#[cfg(feature = "hyper")]
mod transport;
mod unreplaced;
mod valid_path;
mod waiting_path;
