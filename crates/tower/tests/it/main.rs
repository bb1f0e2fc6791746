//! The layer over real HTTP: against small servers, under and over the layers that people use it with.

mod attach;
mod axum_handler;
mod bodies;
mod grpc;
mod layers;
mod octocrab;
mod redirects;
mod rejected;
mod support;
#[cfg(feature = "hyper")]
mod transport;
mod valid_path;
