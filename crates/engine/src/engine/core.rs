//! What all accounts share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use foldhash::fast::RandomState;
use tokenkeeper_protocol::Provider;
use tokenkeeper_refresh::{ChangeId, Context, Id, Operation, Timer};
use tokenkeeper_store::{TokenStore, Version};
use tokio::{
    runtime::Handle,
    sync::{Notify, broadcast, futures::Notified, watch},
};

use super::{
    entry::AccountEntry,
    names::{Brand, Named},
    origins::Origins,
    runtime::EngineRuntime,
    site::ProviderSite,
};
use crate::{
    clock::{Clock, Time},
    event::EventKind,
    flow::{FlowKey, UsedFlows},
    options::Options,
    transport::Transport,
};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) options: Options,
    pub(crate) time: Time,
    pub(crate) random: Random,
    pub(crate) holder: Id,
    pub(crate) flow_key: FlowKey,
    pub(crate) used_flows: UsedFlows,
    pub(crate) origins: Origins,
    pub(crate) sites: Mutex<HashMap<(usize, String), Weak<ProviderSite>>>,
    /// By the provider's index.
    pub(crate) brands: Box<[Brand]>,
    pub(crate) entries: papaya::HashMap<Named, (), RandomState>,
    pub(crate) events: broadcast::Sender<(Arc<AccountEntry>, EventKind)>,
    pub(crate) runtime: EngineRuntime,
    pub(crate) closing: AtomicBool,
    /// The engine is closing.
    pub(crate) closed: Notify,
    /// The store tells of changes.
    pub(crate) notified: AtomicBool,
    /// Ends with the engine, and tells its background tasks.
    pub(crate) alive: watch::Sender<()>,
    /// Operations whose tasks died, for the background task that replaces them.
    pub(crate) died: Mutex<Vec<(Arc<AccountEntry>, Lost)>>,
    pub(crate) any_died: Arc<Notify>,
    changes: AtomicU32,
    /// How many operations are in flight.
    running: Mutex<usize>,
    /// One of them has ended.
    ended: Notify,
}

/// What a task was for that died before it was over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lost {
    Operation(Operation),
    Timer(Timer),
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) options: Options,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) flow_key: FlowKey,
    pub(crate) runtime: Option<Handle>,
}

/// How many events a subscriber may be behind.
const EVENTS: usize = 1024;

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let random = Random;
        let origins = Origins::default();
        for provider in &parts.providers {
            if let Ok(site) = provider.site(None) {
                origins.add(provider.api_origins(&site).iter());
            }
        }
        Self {
            origins,
            store: parts.store,
            transport: parts.transport,
            options: parts.options,
            time: Time::new(parts.clock),
            holder: random.id(),
            random,
            flow_key: parts.flow_key,
            used_flows: UsedFlows::default(),
            sites: Mutex::default(),
            brands: Brand::all(&parts.providers),
            providers: parts.providers,
            // A resize that only writes help along would slow down every lookup until the next
            // account comes.
            entries: papaya::HashMap::builder()
                .hasher(RandomState::default())
                .resize_mode(papaya::ResizeMode::Blocking)
                .build(),
            events: broadcast::channel(EVENTS).0,
            runtime: EngineRuntime::new(parts.runtime),
            closing: AtomicBool::new(false),
            closed: Notify::new(),
            notified: AtomicBool::new(false),
            alive: watch::Sender::new(()),
            died: Mutex::default(),
            any_died: Arc::default(),
            changes: AtomicU32::new(0),
            running: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// What a machine may draw on, at this moment.
    pub(crate) fn context<'a>(&self, site: &'a ProviderSite) -> Context<'a> {
        let random = self.random.number();
        Context {
            now: self.time.now(),
            monotonic: self.time.monotonic(),
            wall: self.time.wall(),
            ids: [self.random.id(), self.random.id()],
            version: Version::random(),
            roll: random as u16,
            closing: self.is_closing(),
            notified: self.notified.load(Ordering::Acquire),
            rules: &site.rules,
        }
    }

    pub(crate) fn next_change(&self) -> ChangeId {
        ChangeId(self.changes.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Tells the application.
    pub(crate) fn emit(&self, entry: &Arc<AccountEntry>, kind: EventKind) {
        tracing::debug!(account = %entry.digest(), event = ?kind, "account");
        // No subscriber is no failure.
        let _ = self.events.send((entry.clone(), kind));
    }

    /// No work starts from now on.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.notify_waiters();
    }

    /// The accounts for which this holds.
    pub(crate) fn entries_where(
        &self,
        holds: impl Fn(&AccountEntry) -> bool,
    ) -> Vec<Arc<AccountEntry>> {
        let entries = self.entries.pin();
        entries
            .keys()
            .map(|Named(entry)| entry)
            .filter(|entry| holds(entry))
            .cloned()
            .collect()
    }

    /// The accounts whose newest tokens would be lost if the process ended now.
    pub(crate) fn at_risk(&self) -> Vec<Arc<AccountEntry>> {
        self.entries_where(|entry| entry.lock().machine.is_at_risk())
    }

    /// Ready once an operation has ended after this call.
    pub(crate) fn operation_ended(&self) -> Notified<'_> {
        self.ended.notified()
    }

    pub(crate) fn is_busy(&self) -> bool {
        *self.lock_running() > 0
    }

    fn lock_running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation in flight, until it is dropped.
pub(crate) struct Running(Arc<Core>);

impl Running {
    pub(crate) fn enter(core: &Arc<Core>) -> Self {
        *core.lock_running() += 1;
        Self(core.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.lock_running() -= 1;
        self.0.ended.notify_waiters();
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random;

impl Random {
    pub(crate) fn id(self) -> Id {
        Id(Version::random().to_bytes())
    }

    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(Version::random().to_bytes())
    }

    /// In `0.0..1.0`.
    pub(crate) fn roll(self) -> f64 {
        let number = u32::try_from(self.number() >> 96).unwrap_or_default();
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    }
}
