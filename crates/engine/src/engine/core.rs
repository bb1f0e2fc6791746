//! The state that all accounts of an engine share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::SystemTime,
};

use foldhash::fast::RandomState;
use http::HeaderValue;
use tokenkeeper_protocol::{LoginData, Provider};
use tokenkeeper_refresh::{ChangeId, Context, Id, Operation, Timer};
use tokenkeeper_store::{TokenStore, Version};
use tokio::{
    runtime::Handle,
    sync::{Notify, broadcast, futures::Notified, watch},
};

use super::{
    echoes::EchoingSites,
    entry::AccountEntry,
    event_log::log_event,
    names::{Brand, NamedEntry},
    origins::Origins,
    over::OverAccounts,
    ports::PortShortages,
    runtime::EngineRuntime,
    site::ProviderSite,
    store_health::StoreHealth,
    watch_state::WatchState,
};
use crate::{
    audit::{Audit, Moment, Trail},
    clock::{Clock, Time},
    event::EventKind,
    flow::FlowKey,
    metrics::Metrics,
    options::Options,
    refresher::Backlogs,
    transport::Transport,
};

/// The engine: its configuration, its accounts in memory, and its tasks.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<dyn TokenStore>,
    /// What the log knows of the store.
    pub(crate) store_health: StoreHealth,
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) port_shortages: PortShortages,
    /// The `User-Agent` of requests to providers.
    pub(crate) user_agent: HeaderValue,
    pub(crate) options: Options,
    pub(crate) time: Time,
    pub(crate) random: Random,
    /// This engine's id in attempts.
    pub(crate) holder: Id,
    pub(crate) flow_key: FlowKey,
    pub(crate) origins: Origins,
    /// The sites of accounts in memory, by the provider's index and the origin.
    pub(crate) sites: Mutex<HashMap<(usize, String), Weak<ProviderSite>>>,
    /// The sites that were seen to return the state.
    pub(crate) echoes: EchoingSites,
    /// The providers' brands, by index.
    pub(crate) brands: Box<[Brand]>,
    /// The accounts in memory.
    pub(crate) entries: papaya::HashMap<NamedEntry, (), RandomState>,
    pub(crate) events: broadcast::Sender<AccountEvent>,
    pub(crate) audit: Option<Arc<Trail>>,
    pub(crate) backlogs: Backlogs,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: EngineRuntime,
    pub(crate) closing: AtomicBool,
    /// Notified when the engine closes.
    pub(crate) closed: Notify,
    pub(crate) watch: WatchState,
    pub(crate) over: OverAccounts,
    /// Dropped with the engine, which ends its background tasks.
    pub(crate) alive: watch::Sender<()>,
    /// Tasks that died, for the background task that replaces them.
    pub(crate) dead_tasks: Mutex<Vec<(Arc<AccountEntry>, TaskKind)>>,
    /// Notified when a task died.
    pub(crate) task_died: Arc<Notify>,
    /// The id of the next change.
    changes: AtomicU32,
    /// The number of operations in flight.
    running: Mutex<usize>,
    /// Notified when an operation ended.
    ended: Notify,
}

/// An event on its way to the subscribers.
#[derive(Clone, Debug)]
pub(crate) struct AccountEvent {
    pub(crate) entry: Arc<AccountEntry>,
    pub(crate) kind: EventKind,
    pub(crate) at: SystemTime,
}

/// The purpose of a task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskKind {
    Operation(Operation),
    Timer(Timer),
}

/// The parts of an engine, as the builder collects them.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) options: Options,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) flow_key: FlowKey,
    pub(crate) runtime: Option<Handle>,
    pub(crate) audit: Option<Audit>,
}

/// The number of events that a subscriber may be behind.
const EVENTS: usize = 1024;

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let random = Random;
        let holder = random.id();
        let origins = Origins::default();
        for provider in &parts.providers {
            if let Ok(site) = provider.site(None) {
                origins.add(&provider.api_origins(&site, &LoginData::default()));
            }
        }
        Self {
            origins,
            store: parts.store,
            store_health: StoreHealth::default(),
            transport: parts.transport,
            port_shortages: PortShortages::default(),
            user_agent: parts.user_agent,
            options: parts.options,
            time: Time::new(parts.clock),
            holder,
            audit: parts.audit.map(|audit| Arc::new(Trail::new(audit, holder))),
            random,
            flow_key: parts.flow_key,
            sites: Mutex::default(),
            echoes: EchoingSites::default(),
            brands: Brand::all(&parts.providers),
            providers: parts.providers,
            // An incremental resize progresses only with writes, and slows down every lookup until
            // enough accounts were added.
            entries: papaya::HashMap::builder()
                .hasher(RandomState::default())
                .resize_mode(papaya::ResizeMode::Blocking)
                .build(),
            events: broadcast::channel(EVENTS).0,
            backlogs: Backlogs::default(),
            metrics: Metrics::default(),
            runtime: EngineRuntime::new(parts.runtime),
            closing: AtomicBool::new(false),
            closed: Notify::new(),
            watch: WatchState::default(),
            over: OverAccounts::default(),
            alive: watch::Sender::new(()),
            dead_tasks: Mutex::default(),
            task_died: Arc::default(),
            changes: AtomicU32::new(0),
            running: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Returns the clocks, random numbers and rules for one step of a machine.
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
            watched_since: self.watch.since(),
            rules: &site.rules,
        }
    }

    pub(crate) fn next_change(&self) -> ChangeId {
        ChangeId(self.changes.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Returns the current time for an entry of the audit trail.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            wall: self.time.wall_time(),
            now: self.time.now(),
        }
    }

    /// Sends an event to the application.
    pub(crate) fn emit(&self, entry: &Arc<AccountEntry>, kind: EventKind) {
        log_event(self, entry, &kind);
        self.metrics.note_event(entry.site.provider.brand(), &kind);
        // Without a subscriber, the event is dropped.
        let _ = self.events.send(AccountEvent {
            entry: entry.clone(),
            kind,
            at: self.time.wall_time(),
        });
    }

    /// Refuses new work from now on.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.notify_waiters();
    }

    /// Returns the brands of the providers, each once.
    #[cfg(feature = "metrics")]
    pub(crate) fn distinct_brands(&self) -> std::collections::BTreeSet<&str> {
        self.providers
            .iter()
            .map(AsRef::as_ref)
            .map(Provider::brand)
            .collect()
    }

    /// Returns the accounts in memory that match the predicate.
    pub(crate) fn entries_where(
        &self,
        matches: impl Fn(&AccountEntry) -> bool,
    ) -> Vec<Arc<AccountEntry>> {
        let entries = self.entries.pin();
        entries
            .keys()
            .map(|NamedEntry(entry)| entry)
            .filter(|entry| matches(entry))
            .cloned()
            .collect()
    }

    /// Returns the accounts whose newest tokens would be lost if the process ended now.
    pub(crate) fn at_risk(&self) -> Vec<Arc<AccountEntry>> {
        self.entries_where(|entry| entry.lock().machine.is_at_risk())
    }

    /// Returns a future that is ready once an operation ends after this call.
    pub(crate) fn operation_ended(&self) -> Notified<'_> {
        self.ended.notified()
    }

    /// Returns whether an operation is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        *self.lock_running() > 0
    }

    fn lock_running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an operation as in flight until it is dropped.
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

/// A source of random numbers from the operating system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random;

impl Random {
    pub(crate) fn id(self) -> Id {
        Id(Version::random().to_bytes())
    }

    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(Version::random().to_bytes())
    }

    /// Returns a number in `0.0..1.0`.
    pub(crate) fn roll(self) -> f64 {
        let number = u32::try_from(self.number() >> 96).unwrap_or_default();
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    }
}
