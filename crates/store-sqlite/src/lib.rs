#![doc = include_str!("../README.md")]

mod connection;
mod error;
mod fault;
mod file;
mod listing;
mod log;
#[cfg(test)]
mod logged;
mod options;
mod pace;
mod reader;
mod row;
mod schema;
mod settings;
mod sqlite;
mod thread;
mod writer;

pub use crate::error::{Exposure, SqliteError};
pub use crate::options::{Compaction, SqliteOptions};
pub use crate::sqlite::SqliteStore;
