//! The crate from outside, as the engine and the adapters use it.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod attachment;
mod authorization;
mod challenge;
mod dialect_fields;
mod dialect_text;
mod forwarding;
mod golden;
mod loose_json;
mod origin;
mod properties;
mod rate_limit;
mod redirect;
mod refusal;
mod registration;
mod resource;
mod secrets;
mod site;
mod support;
mod token_response;
