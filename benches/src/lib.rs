//! What all benches share: the service that is called, the request, and engines with valid tokens.

#[cfg(feature = "criterion")]
mod attach;
mod elsewhere;
mod endpoint;
mod engine;
mod plot;
mod request;
mod sample;
mod service;
mod storm;

#[cfg(feature = "criterion")]
pub use self::attach::{Attach, Form, HOT, account_per_request};
pub use self::{
    elsewhere::Elsewhere,
    endpoint::{Answer, Endpoint},
    engine::{Engine, NoTransport, accounts, accounts_over, accounts_with, expired, token, tokens},
    plot::{Line, plot},
    request::{extended, request},
    sample::{is_quick, millis, percentile},
    service::{Bare, Held, call},
    storm::{Storm, storm},
};
