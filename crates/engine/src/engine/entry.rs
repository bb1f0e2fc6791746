//! One account in memory.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use tokenkeeper_refresh::{Account, ChangeId, EngineInstant, Place, Publication, Queue};
use tokenkeeper_store::{Key, KeyDigest};
use tokio::runtime::Handle;

use super::{
    origins::Origins,
    payload::Payload,
    queue::{Round, Wait},
    site::{ProviderSite, SiteId},
    snapshot::Snapshot,
};
use crate::{
    error::{Error, ExchangeError},
    exchange::Exchange,
};

/// One account in memory: the snapshot that requests read, and the machine behind it.
///
/// In this order, so that what a lookup and a request read lies together, next to the count of its
/// holders.
#[repr(C)]
pub(crate) struct AccountEntry {
    /// The current token was obtained because of a rejection and has not been accepted yet.
    pub(crate) on_trial: AtomicBool,
    /// Dropped from the registry: a caller that still finds it there looks again.
    pub(crate) retired: AtomicBool,
    /// It was used since `used` was last read. A flag, since it is written for every request.
    touched: AtomicBool,
    pub(crate) snapshot: ArcSwapOption<Snapshot>,
    pub(crate) site: Arc<ProviderSite>,
    pub(crate) subject: SmolStr,
    used: AtomicU64,
    inner: Mutex<Inner>,
}

/// What changes under the lock. No `await` ever happens while it is held.
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) machine: Account<Payload>,
    /// Cold per-account state, boxed so the common case stays small.
    cold: Option<Box<Cold>>,
}

/// What the engine keeps for the machine's jobs: who waits, what they present, and why they failed.
#[derive(Default)]
pub(crate) struct Cold {
    waiting: Vec<(Queue, Arc<Round>)>,
    pub(crate) exchanges: Vec<(ChangeId, Arc<Exchange>)>,
    /// Why the last call to the store failed.
    pub(crate) store_error: Option<Error>,
    /// Why the last refresh brought nothing.
    pub(crate) exchange_error: Option<ExchangeError>,
    /// Why the code of a login brought nothing.
    pub(crate) login_errors: Vec<(ChangeId, ExchangeError)>,
    /// Why the current token cannot be attached.
    pub(crate) unattachable: Option<Error>,
}

impl AccountEntry {
    pub(crate) fn new(subject: SmolStr, site: Arc<ProviderSite>, now: EngineInstant) -> Self {
        Self {
            on_trial: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            touched: AtomicBool::new(false),
            snapshot: ArcSwapOption::empty(),
            site,
            subject,
            used: AtomicU64::new(now.0),
            inner: Mutex::default(),
        }
    }

    /// The key under which the store keeps the account.
    pub(crate) fn key(&self) -> Key {
        let key = self.site.key(&self.subject);
        key.expect("an entry's subject was a key's before")
    }

    /// What tells the account from all others of the engine.
    pub(crate) fn name(&self) -> (SiteId, &str) {
        (self.site.id, &self.subject)
    }

    /// What logs and errors call the account. Made each time: they are rare, and there may be a
    /// million accounts.
    pub(crate) fn digest(&self) -> KeyDigest {
        self.key().digest()
    }

    /// Its place among all accounts.
    pub(crate) fn place(&self) -> Place {
        let hash = Sha256::digest(self.key().to_bytes());
        Place([0, 8].map(|at| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[at..at + 8]);
            u64::from_be_bytes(bytes)
        }))
    }

    /// Shows requests what they are served from now on.
    pub(crate) fn publish(
        &self,
        inner: &mut Inner,
        origins: &Origins,
        publication: Option<Publication<Payload>>,
    ) {
        let on_trial = publication.as_ref().is_some_and(|shown| shown.on_trial);
        self.on_trial.store(on_trial, Ordering::Release);
        let snapshot = publication.and_then(|shown| {
            self.site.announce(origins);
            let live = shown.record.live()?;
            let version = live.token_version();
            let last = self.snapshot.load();
            let attached = match last.as_deref() {
                Some(last) if last.carries(&live.payload, version) => Ok(last.attached.clone()),
                _ => self.site.attach(&live.payload.access_token),
            };
            match attached {
                Ok(attached) => Some(Arc::new(Snapshot {
                    fresh_until: shown.fresh_until,
                    replayable_only: shown.replayable_only,
                    version,
                    attached,
                    record: Some(shown.record),
                })),
                Err(error) => {
                    inner.cold().unattachable = Some(error);
                    None
                }
            }
        });
        if snapshot.is_some()
            && let Some(cold) = inner.cold_mut()
        {
            cold.unattachable = None;
        }
        self.snapshot.store(snapshot);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is whole before anything can panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(crate) fn touch(&self) {
        if !self.touched.load(Ordering::Relaxed) {
            self.touched.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was used since the last sweep.
    pub(crate) fn is_touched(&self) -> bool {
        self.touched.load(Ordering::Relaxed)
    }

    /// Last use, at the granularity of these calls.
    pub(crate) fn used(&self, now: EngineInstant) -> EngineInstant {
        if self.touched.swap(false, Ordering::Relaxed) {
            self.used.store(now.0, Ordering::Relaxed);
        }
        EngineInstant(self.used.load(Ordering::Relaxed))
    }

    /// Forgets what the store has too, unless it was used within `idle` or something is in flight.
    /// Returns whether nothing is left.
    pub(crate) fn drop_if_idle(&self, now: EngineInstant, idle: Duration) -> bool {
        if now < self.used(now).after(idle) {
            return false;
        }
        let mut inner = self.lock();
        if !inner.machine.is_idle() || inner.machine.is_held_off(now) {
            return false;
        }
        *inner = Inner::default();
        self.snapshot.store(None);
        self.on_trial.store(false, Ordering::Release);
        true
    }
}

impl Inner {
    pub(crate) fn cold(&mut self) -> &mut Cold {
        self.cold.get_or_insert_default()
    }

    pub(crate) fn cold_mut(&mut self) -> Option<&mut Cold> {
        self.cold.as_deref_mut()
    }

    pub(crate) fn cold_ref(&self) -> Option<&Cold> {
        self.cold.as_deref()
    }

    /// Drops the cold state if nothing is in it.
    pub(crate) fn tidy(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| cold.is_empty()) {
            self.cold = None;
        }
    }

    /// What the login presents.
    pub(crate) fn exchange(&self, id: ChangeId) -> Option<Arc<Exchange>> {
        let exchanges = &self.cold.as_ref()?.exchanges;
        let found = exchanges.iter().find(|(other, _)| *other == id)?;
        Some(found.1.clone())
    }

    /// A place in a queue, for at most `wait`.
    pub(crate) fn join(&mut self, queue: Queue, wait: Duration, runtime: &Handle) -> Wait {
        let round = self.round(queue);
        let waiting = round.join(wait);
        round.keep_time(runtime);
        waiting
    }

    /// The round of those who wait in this queue.
    fn round(&mut self, queue: Queue) -> Arc<Round> {
        let waiting = &mut self.cold().waiting;
        if let Some((_, round)) = waiting.iter().find(|(other, _)| *other == queue) {
            return round.clone();
        }
        let round = Arc::new(Round::default());
        waiting.push((queue, round.clone()));
        round
    }

    /// Keeps the deadlines of those who wait, on another runtime.
    pub(crate) fn keep_time(&self, runtime: &Handle) {
        for (_, round) in self.cold.iter().flat_map(|cold| &cold.waiting) {
            round.keep_time(runtime);
        }
    }

    /// The round of those who wait in this queue, which ends.
    pub(crate) fn end_round(&mut self, queue: Queue) -> Option<Arc<Round>> {
        let cold = self.cold.as_deref_mut()?;
        if let Queue::Change(id) = queue {
            cold.exchanges.retain(|(other, _)| *other != id);
            cold.login_errors.retain(|(other, _)| *other != id);
        }
        let at = cold.waiting.iter().position(|(other, _)| *other == queue)?;
        Some(cold.waiting.swap_remove(at).1)
    }
}

impl Cold {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
            && self.exchanges.is_empty()
            && self.login_errors.is_empty()
            && self.store_error.is_none()
            && self.exchange_error.is_none()
            && self.unattachable.is_none()
    }
}

impl fmt::Debug for AccountEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountEntry")
            .field("account", &self.digest())
            .finish_non_exhaustive()
    }
}

/// There may be a million of them.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<AccountEntry>() <= 168);
