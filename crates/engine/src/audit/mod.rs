//! The audit trail: who did what to an account, and when.

mod actor;
mod channel;
mod entry;
mod json_lines;
mod reason;
mod timestamp;
mod trail;
mod writer;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub use self::{
    actor::Actor,
    channel::{AuditSender, AuditStream, audit_channel},
    entry::{AuditEntry, AuditKind},
    json_lines::JsonLines,
    reason::AuditReason,
};
pub(crate) use self::{
    trail::{Moment, NewEntry, Trail},
    writer::write_trail,
};
use crate::store::BoxError;

/// Takes the entries of the audit trail: a file ([`JsonLines`]), a subscriber
/// ([`audit_channel`]), or your own.
///
/// One call is in flight at a time, and entries come in their order. A sink that fails, panics or
/// does not return within 30 s gets the same entry again a second later, until it takes it: it may
/// see an entry twice, with the same [sequence number](AuditEntry::sequence).
///
/// ```
/// use async_trait::async_trait;
/// use tokenkeeper_engine::{AuditEntry, AuditSink, store::BoxError};
///
/// /// Hands the trail to a thread of the application.
/// #[derive(Debug)]
/// struct Archive(std::sync::mpsc::SyncSender<String>);
///
/// #[async_trait]
/// impl AuditSink for Archive {
///     async fn write(&self, entry: &AuditEntry) -> Result<(), BoxError> {
///         // If its queue is full, the entry comes again.
///         Ok(self.0.try_send(entry.to_json())?)
///     }
/// }
/// ```
#[async_trait]
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// Takes an entry, and returns once it is safe.
    ///
    /// # Errors
    /// Any: it is logged once per outage, and the entry comes again.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped after 30 s, and the entry comes again.
    async fn write(&self, entry: &AuditEntry) -> Result<(), BoxError>;
}

#[async_trait]
impl<S: AuditSink + ?Sized> AuditSink for Arc<S> {
    async fn write(&self, entry: &AuditEntry) -> Result<(), BoxError> {
        (**self).write(entry).await
    }
}

/// An audit trail: its sink, and what happens while the sink takes no entries.
///
/// Entries are queued in memory once what they report is done, so a sink never delays the write of
/// a token. While the sink fails or is slow they are kept, up to [`capacity`](Self::capacity).
/// Beyond it they are lost: a warning says so, and an entry
/// [`EntriesLost`](AuditKind::EntriesLost) says how many as soon as there is room. With
/// [`back_pressure`](Self::back_pressure), callers wait instead.
///
/// ```
/// use tokenkeeper_engine::{Audit, JsonLines};
///
/// let audit = Audit::new(JsonLines::over(std::io::stderr())).capacity(1000).back_pressure(true);
/// # drop(audit);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is given to `AccountsBuilder::audit`"]
pub struct Audit {
    pub(crate) sink: Arc<dyn AuditSink>,
    pub(crate) capacity: usize,
    pub(crate) back_pressure: bool,
}

impl Audit {
    /// Makes an audit trail that writes to `sink`.
    pub fn new(sink: impl AuditSink) -> Self {
        Self {
            sink: Arc::new(sink),
            capacity: CAPACITY,
            back_pressure: false,
        }
    }

    /// The number of entries that wait for the sink, at least 1. One takes about 200 bytes.
    ///
    /// Default: 10,000.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Whether callers wait while the queue is full, so that no entry is lost: logins, disconnects
    /// and refreshes begin when there is room, or fail with
    /// [`Error::AuditFull`](crate::Error::AuditFull) after
    /// [`Options::acquire_timeout`](crate::Options::acquire_timeout).
    ///
    /// What is in flight ends and adds its entries, so the queue may exceed its capacity; from
    /// twice the capacity on, entries are lost after all. An operation that is no future, such as
    /// [`Account::connect`](crate::Account::connect), fails at once. One that waits for room has
    /// not begun, so dropping its future stops it.
    ///
    /// Default: `false`.
    pub fn back_pressure(mut self, on: bool) -> Self {
        self.back_pressure = on;
        self
    }

    /// Returns what is wrong with the settings.
    pub(crate) fn problem(&self) -> Option<String> {
        let text = "the audit trail must have a `capacity` of at least 1";
        (self.capacity == 0).then(|| text.to_owned())
    }
}

/// The default capacity.
const CAPACITY: usize = 10_000;

/// A sink with the default settings.
impl<S: AuditSink> From<S> for Audit {
    fn from(sink: S) -> Self {
        Self::new(sink)
    }
}

#[cfg(test)]
mod tests;
