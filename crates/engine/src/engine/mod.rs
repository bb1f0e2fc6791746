//! Accounts in memory, and the pump that performs the actions of their machines.
//!
//! The floors from top to bottom; a module imports only from its own or a lower floor:
//!
//! 1. the operations of the API and the background tasks: `acquire`, `change`, `device`,
//!    `introspection`, `rejection`, `closing`, `background`, `eviction`, `watching`
//! 2. the loop: `pump`, which calls `perform` (the store and the provider)
//! 3. conversions and look-ups over the shared state: `report`, `stored`, `forgotten`, `claimed`,
//!    `internal`, `codec`, `registry`, and what the log and the audit trail say: `event_log`,
//!    `clock_check`, `auditing`
//! 4. the state that all accounts share: `core`, `runtime`, `names`, `store_health`, `watch_state`,
//!    `over`, `ports`, `echoes`
//! 5. one account: `entry`, `cold`, `connection`, `round`, `site`, `origins`, `snapshot`, `payload`

pub(crate) mod acquire;
pub(crate) mod auditing;
pub(crate) mod background;
pub(crate) mod change;
mod claimed;
mod clock_check;
pub(crate) mod closing;
pub(crate) mod codec;
mod cold;
mod connection;
mod core;
pub(crate) mod device;
mod echoes;
mod entry;
mod entry_state;
mod event_log;
mod eviction;
mod forgotten;
mod internal;
pub(crate) mod introspection;
mod names;
mod origins;
mod over;
mod payload;
mod perform;
mod ports;
mod pump;
pub(crate) mod registry;
pub(crate) mod rejection;
mod report;
mod round;
mod runtime;
mod site;
mod snapshot;
pub(crate) mod store_health;
mod stored;
mod watch_state;
mod watching;

pub(crate) use self::{
    core::{AccountEvent, Core, Parts},
    entry::AccountEntry,
    payload::{Payload, Terms},
    site::ProviderSite,
    snapshot::Snapshot,
};
pub use self::{internal::is_internal_entry, snapshot::AttachResult};
#[cfg(feature = "metrics")]
pub(crate) use watching::is_in_use;
