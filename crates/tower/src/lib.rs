#![doc = include_str!("../README.md")]

mod error;
pub mod exchange;
mod fixed;
mod layer;
mod marker;
mod policy;
mod rejected;
mod replay;
mod service;
#[cfg(feature = "hyper")]
mod transport;

#[cfg(feature = "hyper")]
pub use self::transport::{HyperTransport, Resolve};
pub use self::{
    error::Error,
    layer::TokenLayer,
    marker::{Anonymous, NoReplay},
    policy::TokenPolicy,
    rejected::Rejected,
    replay::{Recording, Replay},
    service::{InnerService, TokenFuture, TokenService},
};

/// The error of a [`TokenService`]: the inner service's, a [`tokenkeeper_engine::Error`], or an
/// [`Error`] or [`Rejected`] of this crate.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
