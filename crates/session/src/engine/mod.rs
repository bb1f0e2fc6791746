//! What performs the protocol's effects: slots in memory, flights on the runtime, callers that wait for them.

mod caller;
mod changes;
mod core;
mod driver;
mod flight;
mod home;
pub(crate) mod keep;
mod known;
pub(crate) mod login;
mod publish;
mod rare;
mod registry;
mod rejected;
mod served;
mod slot;
mod sweep;

pub(crate) use self::core::{Core, Parts};
pub(crate) use home::Home;
pub(crate) use login::Exchange;
pub(crate) use served::{Served, stale_window};
pub(crate) use slot::Slot;
