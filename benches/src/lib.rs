//! What all benches share: the service that is called, the request, and engines with valid tokens.

mod endpoint;
mod engine;
mod plot;
mod request;
mod service;

pub use self::{
    endpoint::{Answer, Endpoint},
    engine::{Engine, NoTransport, accounts, accounts_over, token, tokens},
    plot::{Line, plot},
    request::request,
    service::{Bare, call},
};
