//! What all accounts share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use tokenkeeper_protocol::Provider;
use tokenkeeper_store::{Key, TokenStore, Version};
use tokio::{
    runtime::Handle,
    sync::{Notify, broadcast},
};

use super::{Home, Slot};
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
    pub(crate) homes: Mutex<HashMap<(usize, String), Arc<Home>>>,
    pub(crate) slots: papaya::HashMap<Key, Arc<Slot>>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) runtime: Option<Handle>,
    pub(crate) closing: AtomicBool,
    /// Flights hurry when the engine is closing.
    pub(crate) hurry: Notify,
    pub(crate) sweeping: AtomicBool,
    running: Mutex<HashMap<u64, Arc<Slot>>>,
    next_task: AtomicU64,
    /// A task has ended.
    ended: Notify,
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) flow_key: FlowKey,
    pub(crate) runtime: Option<Handle>,
}

/// How many events a subscriber may be behind.
const EVENTS: usize = 1024;

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let random = Random;
        Self {
            store: parts.store,
            providers: parts.providers,
            transport: parts.transport,
            options: parts.options,
            time: Time::new(parts.clock),
            holder: random.number(),
            random,
            flow_key: parts.flow_key,
            used_flows: UsedFlows::default(),
            homes: Mutex::default(),
            slots: papaya::HashMap::new(),
            events: broadcast::channel(EVENTS).0,
            runtime: parts.runtime,
            closing: AtomicBool::new(false),
            hurry: Notify::new(),
            sweeping: AtomicBool::new(false),
            running: Mutex::default(),
            next_task: AtomicU64::new(0),
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
        tracing::debug!(account = %slot.digest, event = ?kind, "account");
        // Nobody listening is no failure.
        let _ = self.events.send(Event {
            account: Account::new(self.clone(), slot.clone()),
            kind,
        });
    }

    /// Runs a task to its end, whatever becomes of the caller.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        if self.is_closing() {
            return Err(Error::ShutDown);
        }
        let runtime = match Handle::try_current() {
            Ok(handle) => handle,
            Err(_) => self.runtime.clone().ok_or(Error::NoRuntime)?,
        };
        let running = Running::enter(self.clone(), slot.clone());
        self.start_sweeping(&runtime);
        runtime.spawn(async move {
            task.await;
            drop(running);
        });
        Ok(())
    }

    /// The accounts with a task under way.
    pub(crate) fn running(&self) -> Vec<Arc<Slot>> {
        self.lock_running().values().cloned().collect()
    }

    /// Waits until no task is under way.
    pub(crate) async fn drained(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.lock_running().is_empty() {
                return;
            }
            ended.await;
        }
    }

    fn lock_running(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Slot>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task under way, until it is dropped: also by a panic, or by the end of its runtime.
struct Running {
    core: Arc<Core>,
    id: u64,
}

impl Running {
    fn enter(core: Arc<Core>, slot: Arc<Slot>) -> Self {
        let id = core.next_task.fetch_add(1, Ordering::Relaxed);
        core.lock_running().insert(id, slot);
        Self { core, id }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.lock_running().remove(&self.id);
        self.core.ended.notify_waiters();
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
