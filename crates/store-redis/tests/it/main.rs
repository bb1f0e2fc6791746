//! Tests of the store in Redis, against servers that they start themselves.

mod conformance;
mod groups;
mod server;
mod support;
