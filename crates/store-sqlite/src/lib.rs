#![doc = include_str!("../README.md")]

mod connection;
mod error;
mod fault;
mod file;
mod listing;
mod log;
mod options;
mod pace;
mod reader;
mod row;
mod schema;
mod settings;
mod sqlite;
mod thread;
mod writer;

pub use crate::error::SqliteError;
pub use crate::options::{Compaction, SqliteOptions};
pub use crate::sqlite::SqliteStore;
