#![doc = include_str!("../README.md")]
#![allow(
    clippy::large_enum_variant,
    reason = "inputs and actions are moved once; boxing would hide that they are plain values"
)]

mod account;
mod action;
mod context;
mod input;
pub mod mutation;
mod payload;
mod record;
mod rules;

pub use self::{
    account::Account,
    action::{Action, Actions, Failure, Notice, Publication, Queue, Reply, Timer, Write},
    context::{Context, EngineInstant, Id},
    input::{Answer, Candidate, ChangeId, Input, Operation, Outcome, Revoked, StoreAnswer},
    payload::{Payload, Times},
    record::{
        Attempt, Authorization, Cause, Failures, Health, Live, Login, Merged, Newer, Record, State,
        TokenVersion, Tombstone, compare_records,
    },
    rules::{RefreshLifetime, Rules, StoreDown},
};

/// Milliseconds since the Unix epoch, by the wall clock of the process that wrote them.
pub type WallMillis = u64;
