//! The emulators, compared with the documents.
//!
//! Tests that cover a case of the providers' dialects begin with its id.

#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, but not in their helpers"
)]

mod amiqus;
mod counters;
mod device;
mod faults;
mod ioffice;
mod kinds;
mod milestones;
mod plain;
mod socket;
mod support;
