//! The public API, as the engine and the adapters use it.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answer_codes;
mod answer_errors;
mod answer_forms;
mod answer_paths;
mod answer_times;
mod answer_tokens;
mod answers;
mod attachment;
mod authorization;
mod axes;
mod challenge;
#[cfg(feature = "conformance")]
mod conformance;
mod device;
mod dialect_fields;
mod dialect_json;
#[cfg(feature = "toml")]
mod dialect_toml;
#[cfg(feature = "conformance")]
mod forwarding;
mod golden;
mod hints;
mod introspection;
mod login_data;
#[cfg(feature = "toml")]
mod login_origins;
mod loose_json;
#[cfg(feature = "conformance")]
mod naive_providers;
mod origin;
mod properties;
mod rate_limit;
mod redirect;
mod redirect_url;
mod reference;
mod refusal;
mod registration;
mod resource;
mod revocation;
mod schema;
mod secrets;
mod site;
mod support;
mod token_response;
mod token_types;
