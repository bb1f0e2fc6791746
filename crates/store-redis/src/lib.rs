#![doc = include_str!("../README.md")]

mod backend;
mod claim;
mod cluster;
mod connect;
mod error;
mod fault;
mod layout;
mod link;
mod listing;
mod options;
mod record;
mod replication;
mod script;
mod server;
mod settings;
mod store;
mod url;
mod watch;

pub use crate::error::RedisError;
pub use crate::options::RedisOptions;
pub use crate::store::RedisStore;
