//! Tests of the store in Redis, against servers that they start themselves.

mod bad_input;
mod claims;
mod cluster;
mod conformance;
mod cut_off;
mod expiry;
mod fake_node;
mod faults;
mod gaps;
mod groups;
mod index;
mod order;
mod processes;
mod round_trips;
mod sentinel;
mod sentinel_group;
mod server;
mod storm;
mod support;
mod tls;
mod users;
mod wait;
mod watch;
