//! The figures and events of backlogs.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokenkeeper_refresh::WallMillis;
use tokio::time::Instant;

use super::Worker;
use crate::{
    engine::{AccountEntry, Core, registry},
    event::EventKind,
    refresher::backlog::Figures,
};

/// What a worker has reported about the backlog of each provider.
pub(super) struct Status {
    figures: Arc<[Figures]>,
    /// Since when each provider is behind.
    behind: Vec<Option<Behind>>,
}

/// A time in which a provider is behind.
struct Behind {
    since: Instant,
    /// The account of the event, once the backlog was reported.
    reported: Option<Arc<AccountEntry>>,
}

impl Status {
    pub(super) fn new(core: &Core) -> Self {
        let providers = core.providers.len();
        Self {
            figures: core.backlogs.register(providers),
            behind: (0..providers).map(|_| None).collect(),
        }
    }

    pub(super) fn note_in_flight(&self, index: usize, in_flight: usize) {
        let figure = &self.figures[index].in_flight;
        figure.store(in_flight, Ordering::Relaxed);
    }

    /// Notes the due time of an account that was visited in the order of due times.
    pub(super) fn note_reached(&self, index: usize, due_at: WallMillis) {
        let reached = &self.figures[index].reached;
        reached.store(due_at, Ordering::Relaxed);
    }
}

impl Worker {
    /// Updates the figures of a provider, and reports a backlog.
    pub(super) fn report(&mut self, index: usize, now: Instant) {
        let queue = &self.queues[index];
        let figures = &self.status.figures[index];
        let due = queue.due();
        figures.due.store(due, Ordering::Relaxed);
        if due == 0 {
            figures.reached.store(0, Ordering::Relaxed);
            self.report_end(index, now);
            return;
        }
        let behind = &mut self.status.behind[index];
        if queue.is_overfull() {
            behind.get_or_insert_with(|| Behind::new(now));
        }
        let Some(behind) = behind else {
            return;
        };
        if behind.reported.is_some() || now < behind.since + BACKLOG_AFTER {
            return;
        }
        let Some(first) = queue.first() else {
            return;
        };
        let Ok(entry) = registry::entry(&self.core, &first.site, first.key.subject()) else {
            return;
        };
        let late = figures.late(self.core.time.wall());
        let provider = first.key.brand();
        tracing::warn!(
            provider,
            due,
            ?late,
            "more accounts are due than are refreshed"
        );
        let kind = EventKind::RefresherBehind { due, late };
        self.core.emit(&entry, kind);
        behind.reported = Some(entry);
    }

    /// Notes at the end of a scan whether accounts of the last one wait still.
    pub(super) fn note_behind(&mut self, index: usize, is_behind: bool, now: Instant) {
        if is_behind {
            let behind = &mut self.status.behind[index];
            behind.get_or_insert_with(|| Behind::new(now));
        } else if !self.queues[index].is_overfull() {
            self.report_end(index, now);
        }
    }

    /// Reports the end of a backlog, if there was one.
    fn report_end(&mut self, index: usize, now: Instant) {
        let Some(behind) = self.status.behind[index].take() else {
            return;
        };
        if let Some(entry) = behind.reported {
            let lasted = now.saturating_duration_since(behind.since);
            let provider = entry.site.provider.brand();
            tracing::info!(provider, ?lasted, "the refresher has caught up");
            let kind = EventKind::RefresherCaughtUp { lasted };
            self.core.emit(&entry, kind);
        }
    }
}

impl Behind {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            reported: None,
        }
    }
}

/// How long accounts must wait before they are reported as a backlog.
const BACKLOG_AFTER: Duration = Duration::from_secs(10);
