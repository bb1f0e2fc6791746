//! Helpers that the benches share: services, requests, engines, a token endpoint.

#[cfg(feature = "criterion")]
mod attach;
mod crowd;
mod discard;
mod endpoint;
mod engine;
mod mutex;
mod plot;
#[cfg(feature = "redis")]
mod redis;
mod request;
mod sample;
mod service;
mod storm;

#[cfg(feature = "criterion")]
pub use self::attach::{Attach, Form, HOT, account_per_request};
#[cfg(feature = "redis")]
pub use self::redis::{RedisServer, free_port};
pub use self::{
    crowd::{Crowd, send_with, waiting_request},
    discard::DiscardStore,
    endpoint::{Answer, Endpoint},
    engine::{
        Engine, NoTransport, account, accounts, accounts_over, accounts_with, connect, expired,
        registration, token, tokens,
    },
    mutex::{AsyncMutex, HeldToken},
    plot::{Line, plot, write_plot},
    request::{extended, request},
    sample::{Scale, millis, percentile},
    service::{Bare, Held, call},
    storm::{Storm, storm},
};
