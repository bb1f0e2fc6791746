//! The queue between what happens and the sink.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use tokenkeeper_refresh::{EngineInstant, Id};
use tokenkeeper_store::KeyDigest;
use tokio::sync::Notify;

use super::{
    Audit, AuditSink,
    actor::Actor,
    entry::{AuditEntry, AuditKind},
};
use crate::{episode::Episode, store::ErrorChain};

/// The entries that wait for the sink, in their order.
#[derive(Debug)]
pub(crate) struct Trail {
    pub(super) sink: Arc<dyn AuditSink>,
    capacity: usize,
    back_pressure: bool,
    process: Arc<str>,
    queue: Mutex<Queue>,
    /// Whether the queue is full and callers must wait, so that most look at no lock.
    is_full: AtomicBool,
    /// Notified when an entry was added.
    pub(super) added: Notify,
    /// Notified when there is room again.
    room: Notify,
    /// Notified when the queue has become empty.
    drained: Notify,
    /// Notified when the pause after a failure ends early, since a shutdown waits.
    pub(super) hurry: Notify,
    /// What the log knows of failures of the sink, and of lost entries.
    failures: Episode,
    losses: Episode,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<AuditEntry>,
    /// The number of the last entry, including lost ones.
    sequence: u64,
    /// The entries that were lost since the last one that was queued.
    lost: u64,
}

/// An entry that is not numbered yet.
#[derive(Debug)]
pub(crate) struct NewEntry {
    pub(crate) kind: AuditKind,
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) account: Option<KeyDigest>,
    pub(crate) authorization: Option<u64>,
    pub(crate) actor: Option<Actor>,
}

impl NewEntry {
    /// Makes an entry about no known account, on behalf of the caller's actor.
    pub(crate) fn of(kind: AuditKind) -> Self {
        Self {
            kind,
            provider: None,
            account: None,
            authorization: None,
            actor: Actor::current(),
        }
    }
}

/// The time of an entry, by the clock of the day and for episodes in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) wall: SystemTime,
    pub(crate) now: EngineInstant,
}

impl Trail {
    pub(crate) fn new(audit: Audit, process: Id) -> Self {
        let process = format!("{:032x}", u128::from_be_bytes(process.0));
        Self {
            sink: audit.sink,
            capacity: audit.capacity,
            back_pressure: audit.back_pressure,
            process: process.into(),
            queue: Mutex::default(),
            is_full: AtomicBool::new(false),
            added: Notify::new(),
            room: Notify::new(),
            drained: Notify::new(),
            hurry: Notify::new(),
            failures: Episode::default(),
            losses: Episode::default(),
        }
    }

    /// Queues an entry, or counts it as lost if the queue is full. It never waits.
    pub(crate) fn push(&self, entry: NewEntry, at: Moment) {
        let mut queue = self.lock();
        if queue.entries.len() + usize::from(queue.lost > 0) >= self.limit() {
            queue.lost += 1;
            queue.sequence += 1;
            drop(queue);
            if self.losses.note_failure(at.now) {
                tracing::warn!(
                    capacity = self.capacity,
                    "audit entries are lost, since their sink takes none; they are counted"
                );
            }
            return;
        }
        queue.add_loss(&self.process, at.wall);
        queue.add(&self.process, at.wall, entry);
        self.note_length(&queue);
        drop(queue);
        self.added.notify_one();
    }

    /// Returns the next entry to write. The queue keeps it until [`remove`](Self::remove).
    pub(super) fn next(&self, wall: SystemTime) -> Option<AuditEntry> {
        let mut queue = self.lock();
        if queue.entries.is_empty() {
            queue.add_loss(&self.process, wall);
        }
        queue.entries.front().cloned()
    }

    /// Removes an entry that the sink has taken.
    pub(super) fn remove(&self, sequence: u64) {
        let mut queue = self.lock();
        // Another task may have written it too, while a runtime was replaced.
        if queue
            .entries
            .front()
            .is_some_and(|first| first.sequence == sequence)
        {
            queue.entries.pop_front();
        }
        self.note_length(&queue);
        let is_empty = queue.is_empty();
        drop(queue);
        if is_empty {
            self.drained.notify_waiters();
        }
    }

    /// Notes a failure of the sink, and logs the first one.
    pub(super) fn note_failure(&self, error: &(dyn std::error::Error + 'static), at: Moment) {
        if self.failures.note_failure(at.now) {
            tracing::warn!(
                error = %ErrorChain::of(error),
                "the audit trail cannot be written; its entries are kept, and further failures \
                 are counted"
            );
        }
    }

    /// Notes that the sink took an entry, and logs it if it failed before.
    pub(super) fn note_success(&self, at: Moment) {
        if let Some(ended) = self.failures.note_success(at.now) {
            let (failures, lasted) = (ended.failures, ended.lasted);
            tracing::info!(failures, ?lasted, "the audit trail is written again");
        }
        if let Some(ended) = self.losses.note_success(at.now) {
            let (lost, lasted) = (ended.failures, ended.lasted);
            tracing::info!(lost, ?lasted, "no more audit entries are lost");
        }
    }

    /// Returns whether an operation must wait until there is room for its entries.
    pub(crate) fn holds_back(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// Waits until there is room. Without back-pressure there always is.
    pub(crate) async fn wait_for_room(&self) {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if !self.holds_back() {
                return;
            }
            room.await;
        }
    }

    /// Waits until the sink has taken all entries.
    pub(crate) async fn flush(&self) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            if self.unwritten() == 0 {
                return;
            }
            self.hurry.notify_one();
            drained.await;
        }
    }

    /// Returns how many entries the sink has not taken, lost ones included.
    pub(crate) fn unwritten(&self) -> u64 {
        let queue = self.lock();
        queue.lost.saturating_add(queue.entries.len() as u64)
    }

    /// Returns the length at which entries are lost. With back-pressure, what is in flight may
    /// exceed the capacity, but memory is bounded.
    fn limit(&self) -> usize {
        if self.back_pressure {
            self.capacity.saturating_mul(2)
        } else {
            self.capacity
        }
    }

    /// Updates whether operations are held back, and wakes them if they are no longer.
    fn note_length(&self, queue: &Queue) {
        let is_full = self.back_pressure && queue.entries.len() >= self.capacity;
        if self.is_full.swap(is_full, Ordering::AcqRel) && !is_full {
            self.room.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.lost == 0
    }

    fn add(&mut self, process: &Arc<str>, time: SystemTime, entry: NewEntry) {
        self.sequence += 1;
        self.entries.push_back(AuditEntry {
            sequence: self.sequence,
            time,
            process: process.clone(),
            kind: entry.kind,
            provider: entry.provider,
            account: entry.account,
            authorization: entry.authorization,
            actor: entry.actor,
        });
    }

    /// Adds an entry about those that were lost, if there are any.
    fn add_loss(&mut self, process: &Arc<str>, time: SystemTime) {
        let count = std::mem::take(&mut self.lost);
        if count > 0 {
            let mut entry = NewEntry::of(AuditKind::EntriesLost { count });
            entry.actor = None;
            self.add(process, time, entry);
        }
    }
}
