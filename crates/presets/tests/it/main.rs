//! The exact bytes of each preset, and what the responses of its documents mean.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod cases;
mod conformance;
mod golden;
mod header;
mod names;
mod page;
mod sites;
mod support;
