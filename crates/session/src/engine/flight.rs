//! A task that all callers of an account share, and its result.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, Sleep},
};

use crate::{Error, machine::Stored, record::Held, source::Stamp};

/// One flight. Its result is set once; whoever waits for it may stop waiting at any time.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    result: OnceLock<Result<(), Error>>,
    landed: Notify,
    /// It goes for new tokens, not only for a comparison with the store.
    pub(crate) refreshes: bool,
    /// The token set that it got from the token endpoint.
    brought: OnceLock<Stamp>,
    /// Its task has ended, by whatever cause.
    over: AtomicBool,
    /// For the timers of those who wait outside of any runtime.
    runtime: OnceLock<Handle>,
}

impl Flight {
    pub(crate) fn new(refreshes: bool) -> Arc<Self> {
        Arc::new(Self {
            refreshes,
            ..Self::default()
        })
    }

    /// Sets the result, unless it is set already, and wakes all who wait.
    pub(crate) fn land(&self, result: Result<(), Error>) {
        if self.result.set(result).is_ok() {
            self.landed.notify_waiters();
        }
    }

    pub(crate) fn has_landed(&self) -> bool {
        self.result.get().is_some()
    }

    /// The task ends. Takes no lock: it is also called where a dead runtime drops the task at once, under the slot's own.
    pub(crate) fn end(&self, result: Result<(), Error>) {
        self.over.store(true, Ordering::Release);
        self.land(result);
    }

    pub(crate) fn brings(&self, stored: &Stored<Held>) {
        if let Some(live) = stored.record.live() {
            let _ = self.brought.set(live.stamp());
        }
    }

    pub(crate) fn brought(&self) -> Option<Stamp> {
        self.brought.get().copied()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(crate) fn runs_on(&self, runtime: &Handle) {
        let _ = self.runtime.set(runtime.clone());
    }

    /// Waits for the result; `None` when `until` comes first. Cancel safe.
    pub(crate) async fn wait(&self, until: Instant) -> Option<Result<(), Error>> {
        let landed = self.landed.notified();
        tokio::pin!(landed);
        landed.as_mut().enable();
        if let Some(result) = self.result.get() {
            return Some(result.clone());
        }
        tokio::select! {
            biased;
            () = landed => {}
            () = self.timer(until) => {}
        }
        self.result.get().cloned()
    }

    /// A timer of the caller's runtime or, where it has none, of the flight's.
    fn timer(&self, until: Instant) -> Sleep {
        let _inside = match Handle::try_current() {
            Ok(_) => None,
            Err(_) => self.runtime.get().map(Handle::enter),
        };
        tokio::time::sleep_until(until)
    }
}

/// Ends the flight however its task ends: by its result, by a panic, or with its runtime.
pub(crate) struct Landing {
    pub(crate) flight: Arc<Flight>,
}

impl Landing {
    pub(crate) fn of(flight: &Arc<Flight>) -> Self {
        let flight = flight.clone();
        Self { flight }
    }

    pub(crate) fn with(self, result: Result<(), Error>) {
        self.flight.end(result);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flight.end(Err(Error::Aborted));
    }
}

/// So long from now; a length beyond all reason is as good as a year.
pub(crate) fn after(wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + wait.min(YEAR)
}
