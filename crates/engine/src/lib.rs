#![doc = include_str!("../README.md")]

mod account;
mod accounts;
mod audit;
mod clock;
mod connect;
mod device;
mod engine;
mod episode;
mod error;
mod event;
mod exchange;
mod failure;
mod flow;
mod grpc;
mod health;
mod login;
mod metrics;
mod options;
mod overview;
mod placement;
mod refresher;
mod seen;
mod source;
mod status;
mod token;
mod transport;

pub use account::{Account, AccountWait, FreshToken};
pub use accounts::{Accounts, AccountsBuilder, Confirmation, Event, Events, FlowInfo, Unwritten};
pub use audit::{
    Actor, Audit, AuditEntry, AuditKind, AuditReason, AuditSender, AuditSink, AuditStream,
    JsonLines, audit_channel,
};
pub use clock::{Clock, SystemClock, TestClock};
pub use device::{DeviceFlowInfo, DeviceLogin};
pub use engine::{AttachResult, is_internal_entry};
pub use error::{
    Advice, DeviceAuthorizationError, Error, ExchangeError, FlowError, IntrospectionError,
    RecordError,
};
pub use event::EventKind;
pub use failure::RefreshFailure;
pub use flow::{ConnectOptions, DeviceFlow, Flow, FlowKey, LoginRedirect};
pub use grpc::is_grpc;
pub use health::AccountHealth;
pub use login::Login;
pub use options::{Options, StoreDown};
pub use overview::{Overview, ProviderOverview};
pub use placement::TokenPlacement;
pub use refresher::{Backlog, Refresher};
pub use seen::{Seen, SeenToken};
pub use source::{Credential, TokenSource};
pub use status::{Connection, Status};
pub use token::Token;
pub use tokenkeeper_protocol::RequestBody;
pub use tokenkeeper_refresh::{Cause, FailureClass, TokenVersion};
pub use transport::{Transport, TransportError, exchange_within};

pub use tokenkeeper_protocol as protocol;
pub use tokenkeeper_store as store;
pub use tokenkeeper_store::ErrorChain;
