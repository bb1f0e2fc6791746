#![doc = include_str!("../README.md")]

mod answer;
mod builder;
mod clock;
mod counters;
mod device;
mod emulator;
mod error;
mod faults;
mod ledger;
mod page;
mod params;
mod pkce;
mod provider;
mod random;
mod registration;
mod server;
mod setup;
mod world;

pub use builder::Builder;
pub use clock::{Clock, TokioClock};
pub use counters::{Counters, Outcome, Presentation};
pub use emulator::{Emulator, IssuedTokens};
pub use error::Error;
pub use faults::{Cut, Endpoint, Fault, Faults, Gate};
pub use provider::amiqus::{AmiqusOptions, Generation, RefreshRedirectUri};
pub use provider::ioffice::{IOfficeOptions, RejectedStatus, RevocationScope};
pub use provider::milestones::{ErrorFormat, MilestonesOptions, RedirectRule};
pub use provider::plain::{
    AnswerFormat, ApiCredential, ClientAuthentication, ExpiryUnit, ParameterPlace, PlainOptions,
    ResponseMode, Reuse, RevokedTokenPlace,
};
pub use registration::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, DEFAULT_USER, RegisteredClient,
    User,
};
