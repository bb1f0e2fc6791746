//! What all benches share: the service that is called, the request, and engines with valid tokens.

mod engine;
mod request;
mod service;

pub use self::{
    engine::{Engine, NoTransport, token},
    request::request,
    service::{Bare, call},
};
