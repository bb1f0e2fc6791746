//! Accounts in memory, and the pump that performs what their machines decide.

pub(crate) mod acquire;
pub(crate) mod background;
pub(crate) mod change;
pub(crate) mod closing;
mod codec;
mod core;
mod entry;
mod names;
mod origins;
mod payload;
mod perform;
mod pump;
mod queue;
pub(crate) mod registry;
pub(crate) mod rejection;
mod report;
mod runtime;
mod site;
mod snapshot;
mod stored;

pub(crate) use self::{
    core::{Core, Parts},
    entry::AccountEntry,
    payload::{Payload, Terms},
    site::ProviderSite,
    snapshot::Snapshot,
};
pub use snapshot::AttachResult;
