//! Tests of the store in Redis, against servers that they start themselves.

mod conformance;
mod server;
mod support;
