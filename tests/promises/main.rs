//! The promises of the facade: through `tokenkeeper::*`, against the emulators and real servers.

#![allow(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod attaching;
mod axum;
mod client;
mod dialects;
#[cfg(unix)]
mod listing;
mod many_processes;
mod never_lost;
mod one_refresh;
mod presets;
mod providers;
mod public_api;
mod rejections;
mod reqwest;
mod setup;
mod shutdown;
mod stores;
mod tower;
