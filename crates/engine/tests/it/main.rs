//! The engine against the emulators, in process and with paused time.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod answers;
mod attachable;
mod audit;
mod cancel;
mod classes;
mod confirmation;
mod connect;
mod device;
mod disconnect;
mod errors;
mod events;
mod faults;
mod flow_keys;
mod flows;
mod forget;
mod introspection;
mod kinds;
mod lifetimes;
mod login_data;
mod login_origins;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod overtaken;
mod overview;
mod ports;
mod processes;
mod refresh;
mod refresher;
mod rejected;
mod requests;
mod revalidation;
mod schedule;
mod scope;
mod secrets;
mod shutdown;
mod sites;
mod store_failures;
mod unreadable;

use tokenkeeper_test_support as harness;
