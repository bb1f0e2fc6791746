//! The logs of a worker, on stderr.

use std::{env, io};

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;

use crate::{BoxError, exit::misconfigured};

/// Writes logs to stderr from now on: what `RUST_LOG` asks for, otherwise by the number of `-v`.
pub(super) fn start(verbose: u8, as_json: bool) -> Result<(), BoxError> {
    let filter = match env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(text).map_err(|error| {
            misconfigured(format!(
                "RUST_LOG cannot be read: {error}; write a level such as `info`, or \
                 `tokenkeeper=debug`"
            ))
        })?,
        _ => EnvFilter::new(level(verbose)),
    };
    let is_coloured = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(is_coloured);
    if as_json {
        logs.json().try_init()
    } else {
        logs.try_init()
    }
}

/// Returns the filter: other libraries speak at a lower volume than ours.
fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "warn,tokenkeeper=info",
        1 => "info,tokenkeeper=debug",
        _ => "info,tokenkeeper=trace",
    }
}
