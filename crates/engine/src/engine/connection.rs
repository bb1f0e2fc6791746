//! Whether an account is connected, and so whether its site counts as ours.

use std::sync::Arc;

use tokenkeeper_refresh::{Live, Record};

use super::{entry::Inner, origins::Origins, payload::Payload, site::ProviderSite};

/// The record of an account in memory before a step that may change it.
///
/// An account is connected while memory has tokens of it. A login in flight does not count:
/// otherwise anyone could make a site ours for all by typing it.
pub(super) struct Connection(Option<Arc<Record<Payload>>>);

impl Connection {
    pub(super) fn of(inner: &Inner) -> Self {
        Self(inner.machine.record().cloned())
    }

    /// Counts what the step has changed: the site of a connected account, and the origins that its
    /// login names. The entry's lock is held from before the step, so each is counted once.
    pub(super) fn count_change(self, inner: &Inner, site: &ProviderSite, origins: &Origins) {
        let (Self(old), Self(new)) = (self, Self::of(inner));
        if old.as_ref().map(Arc::as_ptr) == new.as_ref().map(Arc::as_ptr) {
            return;
        }
        let (old, new) = (live(old.as_deref()), live(new.as_deref()));
        if let Some(new) = new {
            site.find_login_origins(&new.payload);
            origins.add(new.payload.login_origins());
        }
        match (old.is_some(), new.is_some()) {
            (false, true) => site.count_connected(origins),
            (true, false) => site.count_disconnected(origins),
            _ => {}
        }
        if let Some(old) = old {
            origins.remove(old.payload.login_origins());
        }
    }
}

fn live(record: Option<&Record<Payload>>) -> Option<&Live<Payload>> {
    record.and_then(Record::live)
}
