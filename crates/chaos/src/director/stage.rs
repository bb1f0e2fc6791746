//! What a run is played on.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokenkeeper_emulator::{Emulator, Endpoint, User};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::{
    Backend, Setting,
    fleet::{Fleet, Slot},
    link::{Link, Weather},
    plan::Fault,
    redis::Redis,
    sqlite,
};
use crate::{
    BoxError,
    judge::{Evidence, Span, Trouble},
    said::{Line, Order, now},
    terms,
};

pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) slots: Vec<Slot>,
    /// One for each slot, where the store is a server.
    links: Vec<Link>,
    redis: Option<AsyncMutex<Redis>>,
    directory: PathBuf,
    counts: Mutex<BTreeMap<&'static str, usize>>,
}

/// How long a store may lose its answers if nobody asks.
const MUTE: Duration = Duration::from_millis(300);

impl Stage {
    /// Starts the emulator and the store; no worker yet.
    pub(crate) async fn build(
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
        let (mut slots, mut links) = (Vec::new(), Vec::new());
        // The last one is for the audit.
        for index in 0..=setting.workers {
            let store = match &redis {
                Some(redis) => {
                    let link = Link::open(redis.port).await?;
                    let store = format!("redis://127.0.0.1:{}", link.port);
                    links.push(link);
                    store
                }
                None => format!("sqlite:{}", file(directory).display()),
            };
            slots.push(Slot::new(index, store));
        }
        let (heard, hearing) = mpsc::unbounded_channel();
        let fleet = Fleet {
            program: std::env::current_exe()?,
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
            directory: directory.to_owned(),
            counts: Mutex::default(),
        };
        Ok((stage, hearing))
    }

    /// Those that work.
    pub(crate) fn working(&self) -> &[Slot] {
        &self.slots[..self.slots.len() - 1]
    }

    /// The one that looks at everything in the end.
    pub(crate) fn auditor(&self) -> &Slot {
        &self.slots[self.slots.len() - 1]
    }

    /// Does what the plan says, and returns when it is over.
    pub(crate) async fn inflict(&self, fault: Fault) -> Result<(), BoxError> {
        let name = fault.name();
        let done = match fault {
            Fault::Kill { slot, aimed, pause } => {
                let slot = &self.slots[slot];
                if aimed {
                    slot.redeems().await;
                }
                let killed = slot.kill(&self.fleet).await?;
                if killed {
                    self.count(name);
                    tokio::time::sleep(pause).await;
                    slot.start(&self.fleet, false)?;
                }
                return Ok(());
            }
            Fault::Stop {
                slot,
                aimed,
                length,
            } => {
                if aimed {
                    self.slots[slot].redeems().await;
                }
                let others = self.working().iter().filter(|other| other.index != slot);
                // Somebody has to go on.
                others.into_iter().any(Slot::works)
                    && self.slots[slot].stop(&self.fleet, length).await?
            }
            Fault::Cut { slot, length } => self.weather(slot, Weather::Cut, length, "a cut").await,
            Fault::Slow { slot, each, length } => {
                let what = "slow connections to the store";
                self.weather(slot, Weather::Slow(each), length, what).await
            }
            Fault::Hang { slot, length } => {
                let what = "hanging connections to the store";
                self.weather(slot, Weather::Hung, length, what).await
            }
            Fault::Mute { slot } => {
                let what = "a lost answer of the store";
                self.weather(slot, Weather::Mute, MUTE, what).await
            }
            Fault::Restart { gently, pause } => self.restart(gently, pause).await?,
            Fault::Lock { length } => {
                let trouble = self.trouble(None, "a locked file");
                let locked = sqlite::lock(&file(&self.directory), length).await?;
                self.over(trouble);
                locked
            }
            Fault::Clock { slot, ahead } => self.slots[slot].order(Order::Clock { ahead }),
            Fault::Disconnect { slot, account } => {
                self.slots[slot].order(Order::Disconnect { account })
            }
            Fault::Connect { slot, account } => self.slots[slot].order(Order::Connect { account }),
            Fault::Provider { before, delay } => {
                use tokenkeeper_emulator::Fault as Provider;
                let faults = self.emulator.faults();
                faults.clear(Endpoint::Token);
                faults.always(
                    Endpoint::Token,
                    if before {
                        Provider::Delay(delay)
                    } else {
                        Provider::DelayAnswer(delay)
                    },
                );
                true
            }
        };
        if done {
            self.count(name);
        }
        Ok(())
    }

    /// Nothing is spoilt any more.
    pub(crate) fn heal(&self) {
        for link in &self.links {
            link.set(Weather::Fair);
        }
        self.emulator.faults().clear_all();
    }

    pub(crate) async fn end(self) -> Result<(), BoxError> {
        if let Some(redis) = self.redis {
            redis.into_inner().end().await?;
        }
        Ok(())
    }

    async fn weather(
        &self,
        slot: usize,
        weather: Weather,
        length: Duration,
        what: &'static str,
    ) -> bool {
        let Some(link) = self.links.get(slot) else {
            return false;
        };
        let trouble = self.trouble(Some(slot), what);
        link.set(weather);
        tokio::time::sleep(length).await;
        link.set(Weather::Fair);
        self.over(trouble);
        true
    }

    async fn restart(&self, gently: bool, pause: Duration) -> Result<bool, BoxError> {
        let Some(redis) = &self.redis else {
            return Ok(false);
        };
        // One after the other.
        let Ok(mut redis) = redis.try_lock() else {
            return Ok(false);
        };
        let trouble = self.trouble(None, "a restart of the store");
        redis.restart(gently, pause).await?;
        self.over(trouble);
        Ok(true)
    }

    /// Notes that a trouble begins.
    fn trouble(&self, slot: Option<usize>, what: &str) -> usize {
        let mut evidence = self.fleet.evidence();
        evidence.troubles.push(Trouble {
            span: Span {
                from: now(),
                to: u64::MAX,
            },
            what: what.to_owned(),
            slot,
        });
        evidence.troubles.len() - 1
    }

    fn over(&self, trouble: usize) {
        let mut evidence = self.fleet.evidence();
        if let Some(trouble) = evidence.troubles.get_mut(trouble) {
            trouble.span.to = now() + RECOVERY;
        }
    }

    /// What was done so far, and how often.
    pub(crate) fn faults(&self) -> BTreeMap<&'static str, usize> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }

    fn count(&self, name: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(name).or_default() += 1;
    }
}

/// Until a store that works again is found to work.
const RECOVERY: u64 = 500_000;

fn file(directory: &Path) -> PathBuf {
    directory.join("accounts.db")
}
