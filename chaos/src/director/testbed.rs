//! The testbed of a run: the emulator, the store, the links to it, and the slots.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokenkeeper_emulator::{Emulator, User};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::{
    Backend, RunOptions, fleet::Fleet, link::Link, link::LinkState, redis::Redis, slot::Slot,
};
use crate::{BoxError, config, judge::Evidence, message::Line};

/// The testbed of a run.
pub(super) struct Testbed {
    pub(super) emulator: Emulator,
    pub(super) fleet: Arc<Fleet>,
    pub(super) slots: Vec<Slot>,
    /// A link for each slot, if the store is a server.
    pub(super) links: Vec<Link>,
    pub(super) redis: Option<AsyncMutex<Redis>>,
    /// The store's file, if it is one.
    pub(super) file: PathBuf,
    counts: Mutex<BTreeMap<&'static str, usize>>,
}

impl Testbed {
    /// Starts the emulator and the store, without workers.
    pub(super) async fn build(
        options: &RunOptions,
        directory: &Path,
        evidence: Arc<Mutex<Evidence>>,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Line>), BoxError> {
        let mut emulator = Emulator::amiqus()
            .access_token_lifetime(config::LIFETIME)
            .record_requests();
        for account in 0..options.accounts {
            emulator = emulator.user(User::new(config::login(account)));
        }
        let emulator = emulator.start().await?;
        let redis = match options.store {
            Backend::Redis => Some(Redis::start(directory).await?),
            Backend::Sqlite => None,
        };
        let file = directory.join("accounts.db");
        let (mut slots, mut links) = (Vec::new(), Vec::new());
        // The last slot is for the audit.
        for index in 0..=options.workers {
            let store = match &redis {
                Some(redis) => {
                    let link = Link::open(&redis.socket).await?;
                    let store = format!("redis://127.0.0.1:{}", link.port);
                    links.push(link);
                    store
                }
                None => format!("sqlite:{}", file.display()),
            };
            slots.push(Slot::new(index, store));
        }
        let (lines, reader) = mpsc::unbounded_channel();
        // A copy, so that a build during the run changes nothing.
        let program = directory.join("worker");
        std::fs::copy(std::env::current_exe()?, &program)?;
        let fleet = Fleet {
            program,
            directory: directory.to_owned(),
            provider: emulator.base().to_owned(),
            accounts: options.accounts,
            seed: options.seed,
            evidence,
            lines,
        };
        let testbed = Self {
            emulator,
            fleet: Arc::new(fleet),
            slots,
            links,
            redis: redis.map(AsyncMutex::new),
            file,
            counts: Mutex::default(),
        };
        Ok((testbed, reader))
    }

    /// Returns the slots of the workers.
    pub(super) fn worker_slots(&self) -> &[Slot] {
        &self.slots[..self.slots.len() - 1]
    }

    /// Returns the slot of the audit.
    pub(super) fn auditor(&self) -> &Slot {
        &self.slots[self.slots.len() - 1]
    }

    /// Ends all faults of the links and of the emulator.
    pub(super) fn clear_faults(&self) {
        for link in &self.links {
            link.set(LinkState::Normal);
        }
        self.emulator.faults().clear_all();
    }

    pub(super) async fn end(self) -> Result<(), BoxError> {
        match self.redis {
            Some(redis) => redis.into_inner().end().await,
            None => Ok(()),
        }
    }

    /// Returns the number of faults so far, by name.
    pub(super) fn faults(&self) -> BTreeMap<&'static str, usize> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }

    pub(super) fn count(&self, fault: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(fault).or_default() += 1;
    }
}
