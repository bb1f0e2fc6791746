#![doc = include_str!("../README.md")]

mod account;
mod accounts;
mod clock;
mod connect;
mod engine;
mod error;
mod event;
mod machine;
#[cfg(test)]
mod model;
mod options;
mod record;
mod refresher;
mod source;
mod status;
mod transport;

pub use account::{Account, Seen, Token};
pub use accounts::{Accounts, AccountsBuilder, Unwritten};
pub use clock::{Clock, SystemClock, TestClock};
pub use connect::{Connect, Flow, FlowInfo, FlowKey, Start};
pub use error::{Advice, Error, ExchangeError, FlowError, RecordError};
pub use event::{Event, EventKind};
pub use options::{Options, StoreDown};
pub use record::Cause;
pub use refresher::Refresher;
pub use source::{AttachResult, Attaches, Credential, Stamp, TokenSource};
pub use status::{Connection, Status};
pub use transport::{Transport, TransportError, exchange_within};

pub use tokenkeeper_protocol as protocol;
pub use tokenkeeper_store as store;
