#![doc = include_str!("../README.md")]
#![allow(
    clippy::large_enum_variant,
    reason = "inputs and actions are moved once; boxing would hide that they are plain values"
)]

mod account;
mod action;
mod context;
mod fact;
mod id;
mod input;
mod instant;
pub mod mutation;
mod operation;
mod payload;
mod record;
mod retention;
mod rules;

pub use self::{
    account::Account,
    action::{Action, Actions, Failure, Notice, Publication, Queue, Reason, Reply, Write},
    context::Context,
    fact::{ChangeKind, Changed, Fact},
    id::Id,
    input::{Answer, Input, Outcome, Polling, Revoked, StoreAnswer, Watched},
    instant::{EngineInstant, WallMillis},
    operation::{Candidate, ChangeId, Operation, Timer},
    payload::{Payload, Times},
    record::{
        Attempt, Authorization, Cause, Condition, Empty, FailureClass, Failures, Flow, Health,
        LastFailure, Live, Login, Merged, Newer, Pending, Rare, Record, State, TokenVersion,
        Tombstone, compare_records,
    },
    retention::{Place, Retention, planned, retention},
    rules::{RefreshLifetime, Rules, StoreDown},
};
