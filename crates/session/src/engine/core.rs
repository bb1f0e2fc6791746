//! What all accounts share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use foldhash::fast::RandomState;
use tokenkeeper_protocol::Provider;
use tokenkeeper_store::{TokenStore, Version};
use tokio::{
    runtime::Handle,
    sync::{Notify, broadcast, watch},
};

use super::{
    Home, Slot,
    registry::{Brand, Name, Origins},
};
use crate::{
    Account, Error, Event, EventKind, Transport,
    clock::{Clock, Ticks, Time},
    connect::{FlowKey, UsedFlows},
    options::Options,
    record::WallMillis,
};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) options: Options,
    pub(crate) time: Time,
    pub(crate) random: Random,
    pub(crate) holder: u128,
    pub(crate) flow_key: FlowKey,
    pub(crate) used_flows: UsedFlows,
    pub(crate) origins: Origins,
    pub(crate) homes: Mutex<HashMap<(usize, String), Arc<Home>>>,
    /// By the provider's index.
    pub(crate) brands: Box<[Brand]>,
    pub(crate) slots: papaya::HashMap<Name, Arc<Slot>, RandomState>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) runtime: Option<Handle>,
    pub(crate) closing: AtomicBool,
    /// Flights hurry when the engine is closing.
    pub(crate) hurry: Notify,
    pub(crate) sweeping: AtomicBool,
    /// A task listens to the store, or the store has nothing to tell.
    pub(crate) listening: AtomicBool,
    /// The store tells of changes.
    pub(crate) hearing: AtomicBool,
    /// Ends with the engine, and tells the task that listens.
    pub(crate) alive: watch::Sender<()>,
    /// How many tasks are under way.
    running: Mutex<usize>,
    /// A task has ended.
    ended: Notify,
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
            holder: random.number(),
            random,
            flow_key: parts.flow_key,
            used_flows: UsedFlows::default(),
            homes: Mutex::default(),
            brands: Brand::all(&parts.providers),
            providers: parts.providers,
            // A resize that only writes help along would slow down every lookup until the next account comes.
            slots: papaya::HashMap::builder()
                .hasher(RandomState::default())
                .resize_mode(papaya::ResizeMode::Blocking)
                .build(),
            events: broadcast::channel(EVENTS).0,
            runtime: parts.runtime,
            closing: AtomicBool::new(false),
            hurry: Notify::new(),
            sweeping: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            hearing: AtomicBool::new(false),
            alive: watch::Sender::new(()),
            running: Mutex::default(),
            ended: Notify::new(),
        }
    }

    pub(crate) fn ticks_at(&self, wall: WallMillis) -> Ticks {
        self.time.ticks_at(UNIX_EPOCH + Duration::from_millis(wall))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn emit(self: &Arc<Self>, slot: &Arc<Slot>, kind: EventKind) {
        tracing::debug!(account = %slot.digest(), event = ?kind, "account");
        // Nobody listening is no failure.
        let _ = self.events.send(Event {
            account: Account::new(self.clone(), slot.clone()),
            kind,
        });
    }

    /// Runs a task to its end, whatever becomes of the caller. Says where it runs.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Handle, Error> {
        let runtime = self.runtime()?;
        let running = Running::enter(self.clone())?;
        self.start_sweeping(&runtime);
        self.start_listening(&runtime);
        runtime.spawn(async move {
            task.await;
            drop(running);
        });
        Ok(runtime)
    }

    /// The caller's runtime or, where it has none, the engine's.
    pub(crate) fn runtime(&self) -> Result<Handle, Error> {
        let current = Handle::try_current().ok();
        let runtime = current.or_else(|| self.runtime.clone());
        runtime.ok_or(Error::NoRuntime)
    }

    /// No task starts from now on.
    pub(crate) fn close(&self) {
        // Under the lock, so that no task slips in behind the one who waits for the last.
        let _running = self.lock_running();
        self.closing.store(true, Ordering::Release);
    }

    /// The accounts whose newest tokens would be lost if the process ended now.
    pub(crate) fn at_risk(&self) -> Vec<Arc<Slot>> {
        self.slots_where(|slot| slot.is_at_risk() || slot.lock().is_unwritten())
    }

    /// Of them those that no task cares for.
    pub(crate) fn orphans(&self) -> Vec<Arc<Slot>> {
        self.slots_where(|slot| !slot.is_at_risk() && slot.lock().is_unwritten())
    }

    fn slots_where(&self, holds: impl Fn(&Slot) -> bool) -> Vec<Arc<Slot>> {
        let slots = self.slots.pin();
        slots.values().filter(|slot| holds(slot)).cloned().collect()
    }

    /// Waits until no task is under way.
    pub(crate) async fn drained(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if *self.lock_running() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn lock_running(&self) -> std::sync::MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task under way, until it is dropped: also by a panic, or by the end of its runtime.
struct Running(Arc<Core>);

impl Running {
    fn enter(core: Arc<Core>) -> Result<Self, Error> {
        let mut running = core.lock_running();
        if core.is_closing() {
            return Err(Error::ShutDown);
        }
        *running += 1;
        drop(running);
        Ok(Self(core))
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
    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(Version::random().to_bytes())
    }

    /// In `0.0..1.0`.
    pub(crate) fn roll(self) -> f64 {
        let number = u32::try_from(self.number() >> 96).unwrap_or_default();
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    }
}
