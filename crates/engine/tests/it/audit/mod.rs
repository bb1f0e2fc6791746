//! The audit trail: what has an entry, and what happens while its sink takes none.

mod back_pressure;
mod entries;
mod files;
mod logins;
mod sinks;

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use tokenkeeper_engine::{
    Account, Accounts, Audit, AuditEntry, AuditSink, protocol::TokenSet, store::BoxError,
};

use crate::harness::{World, settle};

/// A sink in memory that does what a test says.
#[derive(Debug, Default)]
struct Sink {
    entries: Mutex<Vec<AuditEntry>>,
    behaviour: Mutex<Behaviour>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Behaviour {
    #[default]
    Takes,
    Fails,
    Panics,
    Hangs,
}

impl Sink {
    fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Returns the entries so far.
    async fn entries(&self) -> Vec<AuditEntry> {
        settle().await;
        self.entries.lock().unwrap().clone()
    }

    /// Returns the kinds of the entries since the last call.
    async fn take_names(&self) -> Vec<&'static str> {
        settle().await;
        let entries = std::mem::take(&mut *self.entries.lock().unwrap());
        entries.iter().map(|entry| entry.kind.name()).collect()
    }
}

#[async_trait]
impl AuditSink for Sink {
    async fn write(&self, entry: &AuditEntry) -> Result<(), BoxError> {
        let behaviour = *self.behaviour.lock().unwrap();
        match behaviour {
            Behaviour::Takes => self.entries.lock().unwrap().push(entry.clone()),
            Behaviour::Fails => return Err("no space left on device".into()),
            Behaviour::Panics => panic!("a sink of a test panics"),
            Behaviour::Hangs => pending().await,
        }
        Ok(())
    }
}

/// Returns a process with an audit trail.
fn audited(world: &World, audit: impl Into<Audit>) -> Accounts {
    world.builder().audit(audit).build().unwrap()
}

/// Returns a process with an audit trail in memory, its account, and the sink.
fn recorded(world: &World) -> (Accounts, Account, Arc<Sink>) {
    let sink = Arc::new(Sink::default());
    let accounts = audited(world, sink.clone());
    let account = world.account_of(&accounts);
    (accounts, account, sink)
}

/// Adopts tokens `count` times.
async fn adopt(account: &Account, count: u64) {
    for number in 0..count {
        let tokens = TokenSet::new(format!("access-{number}"));
        account.adopt(tokens).await.unwrap();
    }
}
