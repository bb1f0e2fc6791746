//! What all benches share: the service that is called, the request, and engines with valid tokens.

#[cfg(feature = "criterion")]
mod attach;
mod elsewhere;
mod endpoint;
mod engine;
mod plot;
mod request;
mod service;

#[cfg(feature = "criterion")]
pub use self::attach::{Attach, account_per_request};
pub use self::{
    elsewhere::Elsewhere,
    endpoint::{Answer, Endpoint},
    engine::{Engine, NoTransport, accounts, accounts_over, token, tokens},
    plot::{Line, plot},
    request::request,
    service::{Bare, call},
};
