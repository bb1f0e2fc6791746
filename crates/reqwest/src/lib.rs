#![doc = include_str!("../README.md")]

mod attempt;
mod clean;
mod client;
mod error;
mod middleware;
mod rejected;
mod transport;

pub use tokenkeeper_tower::{Anonymous, NoReplay, TokenPolicy};

pub use self::{
    client::client, error::Error, middleware::TokenMiddleware, rejected::Rejected,
    transport::ReqwestTransport,
};
