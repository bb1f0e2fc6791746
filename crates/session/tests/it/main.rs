//! The engine against the emulators, in process and with paused time.

mod classes;
mod connect;
mod harness;
mod refresh;
mod rejected;
mod store_failures;
