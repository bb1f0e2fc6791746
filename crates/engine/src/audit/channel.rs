//! A sink whose entries a subscriber reads.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures_core::Stream;
use tokio::sync::mpsc;

use super::{AuditSink, entry::AuditEntry};
use crate::store::BoxError;

/// Creates a sink and the stream of its entries, for an application that keeps them itself.
///
/// `capacity` is how many entries the stream may be behind, at least 1. What it does not read stays
/// in the engine's queue, so that the rules of [`Audit`](crate::Audit) hold for it: it is told how
/// much it lost by an entry [`EntriesLost`](crate::AuditKind::EntriesLost), or callers wait for it.
/// After the stream is dropped, entries are lost.
#[must_use]
pub fn audit_channel(capacity: usize) -> (AuditSender, AuditStream) {
    let (sender, receiver) = mpsc::channel(capacity.clamp(1, MAX_CAPACITY));
    (AuditSender(sender), AuditStream(receiver))
}

/// The greatest capacity that a channel of tokio has.
const MAX_CAPACITY: usize = tokio::sync::Semaphore::MAX_PERMITS;

/// The sink of an [`audit_channel`].
#[derive(Clone, Debug)]
pub struct AuditSender(mpsc::Sender<AuditEntry>);

/// The entries of an [`audit_channel`], in their order. It ends when the engine is dropped.
#[derive(Debug)]
pub struct AuditStream(mpsc::Receiver<AuditEntry>);

#[async_trait]
impl AuditSink for AuditSender {
    async fn write(&self, entry: &AuditEntry) -> Result<(), BoxError> {
        let sent = self.0.send(entry.clone()).await;
        sent.map_err(|_| "the subscriber of the audit trail is gone".into())
    }
}

impl Stream for AuditStream {
    type Item = AuditEntry;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AuditEntry>> {
        self.0.poll_recv(cx)
    }
}
