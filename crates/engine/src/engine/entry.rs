//! An account in memory.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use http::Uri;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use tokenkeeper_protocol::{ApiOrigin, Error as AttachError};
use tokenkeeper_refresh::{Account, EngineInstant, Place, Publication, Record};
use tokenkeeper_store::{Key, KeyDigest};

use super::{
    cold::Cold,
    connection::Connection,
    entry_state::EntryState,
    origins::Origins,
    payload::Payload,
    site::{ProviderSite, SiteId},
    snapshot::Snapshot,
};
use crate::{audit::Actor, error::Error, metrics::Measured};

/// An account in memory: the snapshot that requests read, and the machine behind it.
///
/// The order of the fields keeps those that a look-up and a request read next to each other and to
/// the reference count.
#[repr(C)]
pub(crate) struct AccountEntry {
    pub(crate) state: EntryState,
    pub(crate) snapshot: ArcSwapOption<Snapshot>,
    pub(crate) site: Arc<ProviderSite>,
    pub(crate) subject: SmolStr,
    /// The last use, as engine time.
    used: AtomicU64,
    inner: Mutex<Inner>,
}

/// The state under the entry's lock, which is never held across an `await`.
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) machine: Account<Payload>,
    /// Cold per-account state, boxed so the common case stays small.
    cold: Option<Box<Cold>>,
}

impl AccountEntry {
    pub(crate) fn new(subject: SmolStr, site: Arc<ProviderSite>, now: EngineInstant) -> Self {
        Self {
            state: EntryState::default(),
            snapshot: ArcSwapOption::empty(),
            site,
            subject,
            used: AtomicU64::new(now.0),
            inner: Mutex::default(),
        }
    }

    /// Returns the key of the account in the store.
    pub(crate) fn key(&self) -> Key {
        let key = self.site.key(&self.subject);
        key.expect("the registry checked the subject")
    }

    /// Returns the name that identifies the account within the engine.
    pub(crate) fn name(&self) -> (SiteId, &str) {
        (self.site.id, &self.subject)
    }

    /// Computes the digest that logs and errors show. It is not stored: they are rare, and there
    /// may be a million accounts.
    pub(crate) fn digest(&self) -> KeyDigest {
        self.key().digest()
    }

    /// Computes the hash of the key that spreads accounts over time.
    pub(crate) fn place(&self) -> Place {
        let hash = Sha256::digest(self.key().to_bytes());
        Place([0, 8].map(|at| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[at..at + 8]);
            u64::from_be_bytes(bytes)
        }))
    }

    /// Replaces the snapshot that requests read. Returns whether the token has become one that the
    /// configuration keeps from being attached.
    pub(crate) fn publish(
        &self,
        inner: &mut Inner,
        publication: Option<Publication<Payload>>,
    ) -> bool {
        let on_trial = publication.as_ref().is_some_and(|new| new.on_trial);
        self.state.set_on_trial(on_trial);
        let was_misconfigured = inner.is_misconfigured();
        let snapshot = publication.and_then(|new| {
            let live = new.record.live()?;
            self.site.find_login_origins(&live.payload);
            let version = live.token_version();
            let last = self.snapshot.load();
            let attached = match last.as_deref() {
                Some(last) if last.carries(&live.payload, version) => Ok(last.attached.clone()),
                _ => self.site.attach(&live.payload),
            };
            match attached {
                Ok(attached) => Some(Arc::new(Snapshot {
                    fresh_until: new.fresh_until,
                    replayable_only: new.replayable_only,
                    version,
                    attached,
                    record: Some(new.record),
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
        self.state.count_publication();
        inner.is_misconfigured() && !was_misconfigured
    }

    /// Returns whether the account's tokens may be sent to this target.
    #[inline(always)]
    pub(crate) fn allows(&self, target: &Uri) -> bool {
        self.site.allows(target) || self.login_allows(target)
    }

    /// Returns whether the login names the target's origin. Without a snapshot, as for a token that
    /// cannot be attached, the record says so.
    #[cold]
    fn login_allows(&self, target: &Uri) -> bool {
        let allows = |record: &Record<Payload>| {
            let origins = record.live().map(|live| live.payload.login_origins());
            let mut origins = origins.into_iter().flatten();
            origins.any(|origin| origin.matches(target))
        };
        if let Some(snapshot) = &*self.snapshot.load() {
            return snapshot.record.as_deref().is_some_and(allows);
        }
        let record = self.lock().machine.record().cloned();
        record.as_deref().is_some_and(allows)
    }

    /// Returns the origins that the account's tokens may be sent to, as far as memory knows them.
    pub(crate) fn origins(&self) -> Vec<ApiOrigin> {
        let mut origins = self.site.origins.to_vec();
        let record = self.lock().machine.record().cloned();
        if let Some(live) = record.as_ref().and_then(|record| record.live()) {
            origins.extend_from_slice(live.payload.login_origins());
        }
        origins
    }

    /// Returns whether a login could name the target's origin, and memory has no published one.
    #[cold]
    pub(crate) fn may_allow(&self, target: &Uri) -> bool {
        self.site.login_may_allow(target) && self.snapshot.load().is_none()
    }

    /// Returns whether memory need not keep the account: it is disconnected, or a person chose its
    /// site and it has no tokens. Otherwise the sites that anyone types would stay.
    pub(crate) fn is_over(&self, inner: &Inner) -> bool {
        let machine = &inner.machine;
        machine.is_over() || self.site.is_chosen() && machine.is_without_tokens()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock leaves no change half done, so a poisoned lock is sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the account as used.
    #[inline]
    pub(crate) fn touch(&self) {
        self.state.touch();
    }

    /// Returns whether the account was used since the last sweep.
    pub(crate) fn is_touched(&self) -> bool {
        self.state.is_touched()
    }

    /// Returns the last use, at the granularity of these calls.
    pub(crate) fn last_used(&self, now: EngineInstant) -> EngineInstant {
        if self.state.take_touch() {
            self.used.store(now.0, Ordering::Relaxed);
        }
        EngineInstant(self.used.load(Ordering::Relaxed))
    }

    /// Drops the state that the store also has, unless the account was used within `idle` or has a
    /// job in flight. Returns whether the state was dropped.
    pub(crate) fn drop_if_idle(
        &self,
        now: EngineInstant,
        idle: Duration,
        origins: &Origins,
    ) -> bool {
        if now < self.last_used(now).after(idle) {
            return false;
        }
        let mut inner = self.lock();
        let has_waiters = inner.cold_ref().is_some_and(Cold::has_waiters);
        if !inner.machine.is_idle() || inner.machine.is_held_off(now) || has_waiters {
            return false;
        }
        let connection = Connection::of(&inner);
        *inner = Inner::default();
        connection.count_change(&inner, &self.site, origins);
        self.snapshot.store(None);
        self.state.set_on_trial(false);
        self.state.count_publication();
        true
    }
}

impl Inner {
    /// Returns the cold state, and creates it if necessary.
    pub(crate) fn cold(&mut self) -> &mut Cold {
        self.cold.get_or_insert_default()
    }

    pub(crate) fn cold_mut(&mut self) -> Option<&mut Cold> {
        self.cold.as_deref_mut()
    }

    pub(crate) fn cold_ref(&self) -> Option<&Cold> {
        self.cold.as_deref()
    }

    /// Returns whether the current token is kept, but has a type that the configuration does not
    /// attach.
    pub(crate) fn is_misconfigured(&self) -> bool {
        match self.cold_ref().and_then(|cold| cold.unattachable.as_ref()) {
            Some(Error::Protocol(error)) => matches!(**error, AttachError::TokenType { .. }),
            _ => false,
        }
    }

    /// Takes note of the jobs after a step, for metrics. `resolved`: the outcome of a refresh.
    #[inline]
    pub(crate) fn measure(&mut self, resolved: Option<bool>, now: Duration) -> Measured {
        let (refreshes, waits) = (self.machine.awaits_refresh(), self.machine.watches());
        if cfg!(feature = "metrics") && (refreshes || waits || self.cold.is_some()) {
            self.cold().times.note(refreshes, waits, resolved, now)
        } else {
            Measured::default()
        }
    }

    /// Notes on whose behalf the refresh in flight was started; `None`: none, or there is none.
    pub(crate) fn note_refresh_actor(&mut self, actor: Option<Actor>) {
        if actor.is_some() || self.cold.is_some() {
            self.cold().refresh_actor = actor;
        }
    }

    /// Drops the cold state if it is empty.
    pub(crate) fn tidy(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| cold.is_empty()) {
            self.cold = None;
        }
    }
}

impl fmt::Debug for AccountEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountEntry")
            .field("account", &self.digest())
            .finish_non_exhaustive()
    }
}

/// A process may hold a million entries.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<AccountEntry>() <= 168);
