//! What the engine logs: an operator sees only this.
//!
//! A subscriber sees all events only if it is set before any test runs, so these tests have their
//! own binary.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod addresses;
mod audit;
mod clocks;
mod keys;
mod outages;
mod reasons;
