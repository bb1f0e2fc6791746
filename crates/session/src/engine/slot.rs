//! One account in memory.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use smol_str::SmolStr;
use tokenkeeper_protocol::AccessToken;
use tokenkeeper_store::{Key, KeyDigest, Version};

use super::{
    Core, Home,
    changes::Changes,
    flight::Flight,
    known::Known,
    rare::{Rare, StoreTrouble},
    served::{Schedule, Served},
};
use crate::{
    Error,
    clock::Ticks,
    machine::{Stored, remember},
    record::{Health, Held, Live},
    source::Stamp,
};

/// One account in memory: a cache of the store, the flight under way, and what callers are served.
///
/// In this order, so that what a lookup and a request read lies together, beside the count of who holds it.
#[repr(C)]
pub(crate) struct Slot {
    /// A refresh token is being presented, and the access token in memory may die of it.
    pub(crate) presenting: AtomicBool,
    /// The current token was obtained because of a rejection and has not been accepted yet.
    pub(crate) on_trial: AtomicBool,
    /// Dropped from the registry: whoever still finds it there looks again.
    pub(crate) retired: AtomicBool,
    /// It was used since somebody last asked for `used`. A flag, since it is written for every request.
    touched: AtomicBool,
    /// Tasks that wait for an answer to a presentation, or hold what one said and is not written.
    pub(crate) at_risk: AtomicU32,
    pub(crate) served: ArcSwapOption<Served>,
    pub(crate) home: Arc<Home>,
    pub(crate) subject: SmolStr,
    used: AtomicU64,
    inner: Mutex<Inner>,
}

/// What changes under the lock. No `await` ever happens while it is held.
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) known: Option<Known>,
    /// When it was last compared with the store, or written there; zero: never.
    pub(crate) validated: Ticks,
    pub(crate) flight: Option<Arc<Flight>>,
    pub(crate) changes: Changes,
    /// That of the tokens known; the default: it was not made yet.
    pub(super) schedule: Schedule,
    pub(super) rare: Option<Box<Rare>>,
}

impl Slot {
    pub(crate) fn new(subject: SmolStr, home: Arc<Home>, now: Ticks) -> Self {
        Self {
            subject,
            home,
            served: ArcSwapOption::empty(),
            presenting: AtomicBool::new(false),
            on_trial: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            touched: AtomicBool::new(false),
            used: AtomicU64::new(now.0),
            at_risk: AtomicU32::new(0),
            inner: Mutex::default(),
        }
    }

    /// The key under which the store keeps the account.
    pub(crate) fn key(&self) -> Key {
        let key = self.home.key(&self.subject);
        key.expect("a slot's subject was a key's before")
    }

    /// What logs and errors call the account. Made anew each time: they are rare, and there may be a million accounts.
    pub(crate) fn digest(&self) -> KeyDigest {
        self.key().digest()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is whole before anything can panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record for the newest known, unless memory already holds a later truth. Says whether that ended a connection.
    pub(crate) fn adopt(&self, core: &Core, stored: Stored<Held>, written: bool) -> bool {
        let mut inner = self.lock();
        let (before, token) = (inner.stamp(), inner.access_token());
        let known = inner.known.as_ref().map(Known::stored);
        let rules = &self.home.rules;
        let Some((stored, written)) = remember(rules, known.as_ref(), stored, written) else {
            return false;
        };
        inner.known = Some(Known::new(stored, written, &self.home.shared));
        // Two processes may have made the same generation: the stamp alone does not tell whose token it is.
        if inner.stamp() != before || inner.access_token() != token {
            inner.schedule = Schedule::default();
        }
        // What is only in memory was preceded by a write that the store took.
        if written || inner.validated == Ticks::default() {
            inner.validated = core.time.ticks();
        }
        self.publish(core, &mut inner);
        let ended = inner.known.as_ref().and_then(Known::tombstone);
        before.is_some() && ended.is_some()
    }

    /// Lets go of a flight that has ended.
    pub(crate) fn dismiss(&self, flight: &Arc<Flight>) {
        let mut inner = self.lock();
        if inner
            .flight
            .as_ref()
            .is_some_and(|f| Arc::ptr_eq(f, flight))
        {
            inner.flight = None;
        }
    }

    /// The store has no record, as seen by who knew the record at `known`: forgets it, unless memory has moved on since.
    pub(crate) fn forget(&self, known: Option<Version>) {
        let mut inner = self.lock();
        if inner.known.as_ref().map(|k| k.version) == known {
            self.empty(&mut inner);
        }
    }

    /// Drops what the store has too, if nobody has used it for a while. Says whether nothing is left.
    pub(crate) fn drop_if_idle(&self, now: Ticks, idle: Duration) -> bool {
        if now < self.used(now).after(idle) {
            return false;
        }
        let mut inner = self.lock();
        if inner.is_busy() || inner.is_unwritten() {
            return false;
        }
        self.empty(&mut inner);
        true
    }

    fn empty(&self, inner: &mut Inner) {
        inner.known = None;
        inner.validated = Ticks::default();
        inner.schedule = Schedule::default();
        self.served.store(None);
    }

    /// A disconnect is known here.
    pub(crate) fn is_ended(&self) -> bool {
        let inner = self.lock();
        let known = inner.known.as_ref();
        known.is_some_and(|known| known.tombstone().is_some())
    }

    /// A task waits for an answer to a presentation, or holds what one said and is not written.
    pub(crate) fn is_at_risk(&self) -> bool {
        self.at_risk.load(Ordering::Acquire) > 0
    }

    /// The store failed: notes when it is asked again.
    pub(crate) fn store_failed(&self, core: &Core, error: Error) {
        let mut inner = self.lock();
        let failures = inner.store_trouble().map_or(1, |t| t.failures + 1);
        let pace = &self.home.pace;
        let pause = pace
            .store_retry
            .saturating_mul(1 << failures.min(4))
            .min(pace.store_limit());
        inner.rare().store_trouble = Some(StoreTrouble {
            until: core.time.ticks().after(pause),
            error,
            failures,
        });
        self.publish(core, &mut inner);
    }

    #[inline]
    pub(crate) fn touch(&self) {
        if !self.touched.load(Ordering::Relaxed) {
            self.touched.store(true, Ordering::Relaxed);
        }
    }

    /// When it was used last, as seen by who asks now and then.
    pub(crate) fn used(&self, now: Ticks) -> Ticks {
        if self.touched.swap(false, Ordering::Relaxed) {
            self.used.store(now.0, Ordering::Relaxed);
        }
        Ticks(self.used.load(Ordering::Relaxed))
    }
}

impl Inner {
    pub(crate) fn live(&self) -> Option<Live<Held>> {
        self.known.as_ref()?.live()
    }

    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.known.as_ref()?.stamp()
    }

    fn access_token(&self) -> Option<AccessToken> {
        self.known.as_ref()?.access_token().cloned()
    }

    pub(crate) fn is_written(&self) -> bool {
        self.known.as_ref().is_some_and(Known::is_written)
    }

    /// The newest record, if it is in the store.
    pub(crate) fn written(&self) -> Option<Stored<Held>> {
        let known = self.known.as_ref().filter(|known| known.is_written())?;
        Some(known.stored())
    }

    /// The newest record known, in the store or not.
    pub(crate) fn newest(&self) -> Option<Stored<Held>> {
        Some(self.known.as_ref()?.stored())
    }

    pub(crate) fn is_unwritten(&self) -> bool {
        self.known.as_ref().is_some_and(|known| !known.is_written())
    }

    /// No refresh comes of what is known: only the store can tell of a newer login.
    pub(crate) fn has_ended(&self) -> bool {
        self.known.as_ref().is_some_and(|known| {
            let live = known.live();
            live.is_none_or(|live| matches!(live.health, Health::Dead(_)))
        })
    }

    /// A flight is under way, be it only to write what its callers have already.
    pub(crate) fn is_busy(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| !flight.is_over())
    }

    /// The flight that callers can still wait for.
    pub(crate) fn in_air(&self) -> Option<Arc<Flight>> {
        self.flight.clone().filter(|flight| !flight.has_landed())
    }

    /// The access token in memory has ended, or there is none.
    pub(crate) fn expired(&self, now: Ticks) -> bool {
        now >= self.schedule.expires_at
    }
}

/// Ends the waiting of requests that cannot be replayed, however the flight ends.
pub(crate) struct Presenting<'a>(pub(crate) &'a Slot);

impl Drop for Presenting<'_> {
    fn drop(&mut self) {
        self.0.presenting.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("account", &self.digest())
            .finish_non_exhaustive()
    }
}

/// There may be a million of them.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Slot>() <= 232);
