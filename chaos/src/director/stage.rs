//! What a run is played on: the emulator, the store, the ways to it, and the places for workers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokenkeeper_emulator::{Emulator, User};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::{Backend, Setting, fleet::Fleet, link::Link, link::Weather, redis::Redis, slot::Slot};
use crate::{BoxError, judge::Evidence, said::Line, terms};

pub(super) struct Stage {
    pub(super) emulator: Emulator,
    pub(super) fleet: Arc<Fleet>,
    pub(super) slots: Vec<Slot>,
    /// One for each slot, where the store is a server.
    pub(super) links: Vec<Link>,
    pub(super) redis: Option<AsyncMutex<Redis>>,
    /// The store, where it is a file.
    pub(super) file: PathBuf,
    counts: Mutex<BTreeMap<&'static str, usize>>,
}

impl Stage {
    /// Starts the emulator and the store; no worker yet.
    pub(super) async fn build(
        setting: &Setting,
        directory: &Path,
        evidence: Arc<Mutex<Evidence>>,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Line>), BoxError> {
        let mut emulator = Emulator::amiqus()
            .access_token_lifetime(terms::LIFETIME)
            .record_requests();
        for account in 0..setting.accounts {
            emulator = emulator.user(User::new(terms::login(account)));
        }
        let emulator = emulator.start().await?;
        let redis = match setting.store {
            Backend::Redis => Some(Redis::start(directory).await?),
            Backend::Sqlite => None,
        };
        let file = directory.join("accounts.db");
        let (mut slots, mut links) = (Vec::new(), Vec::new());
        // The last one is for the audit.
        for index in 0..=setting.workers {
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
        let (heard, hearing) = mpsc::unbounded_channel();
        // A copy: whoever builds anew while this runs changes nothing.
        let program = directory.join("worker");
        std::fs::copy(std::env::current_exe()?, &program)?;
        let fleet = Fleet {
            program,
            directory: directory.to_owned(),
            provider: emulator.base().to_owned(),
            accounts: setting.accounts,
            seed: setting.seed,
            evidence,
            heard,
        };
        let stage = Self {
            emulator,
            fleet: Arc::new(fleet),
            slots,
            links,
            redis: redis.map(AsyncMutex::new),
            file,
            counts: Mutex::default(),
        };
        Ok((stage, hearing))
    }

    /// Those that work.
    pub(super) fn working(&self) -> &[Slot] {
        &self.slots[..self.slots.len() - 1]
    }

    /// The one that looks at everything in the end.
    pub(super) fn auditor(&self) -> &Slot {
        &self.slots[self.slots.len() - 1]
    }

    /// Nothing is spoilt any more.
    pub(super) fn heal(&self) {
        for link in &self.links {
            link.set(Weather::Fair);
        }
        self.emulator.faults().clear_all();
    }

    pub(super) async fn end(self) -> Result<(), BoxError> {
        match self.redis {
            Some(redis) => redis.into_inner().end().await,
            None => Ok(()),
        }
    }

    /// What was done so far, and how often.
    pub(super) fn faults(&self) -> BTreeMap<&'static str, usize> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }

    pub(super) fn count(&self, fault: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(fault).or_default() += 1;
    }
}
