//! A slot, which runs one worker after another.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    fleet::{Fleet, Place, Worker},
    signal::{self, Signal},
};
use crate::{
    BoxError,
    judge::Span,
    message::{Order, now},
};

/// A slot, which runs one worker after another.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) index: usize,
    /// The store that its workers open.
    store: String,
    state: Mutex<State>,
    /// Notified when its worker sends a token request, and when it has the answer.
    redeeming: Arc<Notify>,
}

/// The current worker of a slot.
#[derive(Debug, Default)]
struct State {
    worker: Option<Worker>,
    count: usize,
}

/// How long an aimed fault waits for a token request.
const AIM_TIMEOUT: Duration = Duration::from_secs(2);

impl Slot {
    pub(super) fn new(index: usize, store: String) -> Self {
        Self {
            index,
            store,
            state: Mutex::default(),
            redeeming: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a worker, unless one is running.
    pub(super) fn start(&self, fleet: &Arc<Fleet>, audit: bool) -> Result<(), BoxError> {
        let mut state = self.state();
        if state.worker.is_none() {
            state.count += 1;
            let place = Place {
                slot: self.index,
                count: state.count,
                store: &self.store,
                audit,
            };
            state.worker = Some(fleet.spawn(place, self.redeeming.clone())?);
        }
        Ok(())
    }

    /// Sends SIGKILL. Returns whether there was a worker.
    pub(super) async fn kill(&self, fleet: &Fleet) -> Result<bool, BoxError> {
        let Some(mut worker) = self.state().worker.take() else {
            return Ok(false);
        };
        fleet.note(&worker.name, |log| log.killed = Some(now()));
        worker.child.kill().await?;
        // Its last events are still in the pipe.
        worker.reader.await?;
        fleet.note(&worker.name, |log| log.ended = Some(now()));
        Ok(true)
    }

    /// Sends SIGSTOP, and SIGCONT after `length`. Returns whether there was a worker.
    pub(super) async fn stop(&self, fleet: &Fleet, length: Duration) -> Result<bool, BoxError> {
        let Some((name, process)) = self.mark_stopped() else {
            return Ok(false);
        };
        let from = now();
        let stop = Span { from, to: u64::MAX };
        fleet.note(&name, |log| log.stops.push(stop));
        signal::send(Signal::Stop, process).await?;
        sleep(length).await;
        let still_there = {
            let mut state = self.state();
            let worker = state.worker.as_mut().filter(|worker| worker.name == name);
            worker.map(|worker| worker.stopped = false).is_some()
        };
        if still_there {
            signal::send(Signal::Continue, process).await?;
        }
        fleet.note(&name, |log| {
            if let Some(stop) = log.stops.iter_mut().find(|stop| stop.from == from) {
                stop.to = now();
            }
        });
        Ok(true)
    }

    /// Marks the worker as stopped; returns its name and process unless it was stopped already.
    fn mark_stopped(&self) -> Option<(String, u32)> {
        let mut state = self.state();
        let worker = state.worker.as_mut().filter(|worker| !worker.stopped)?;
        let process = worker.child.id()?;
        worker.stopped = true;
        Some((worker.name.clone(), process))
    }

    /// Waits until the worker sends a token request or has the answer to one, or for a time-out.
    pub(super) async fn wait_for_redemption(&self) {
        // The fault is injected anyway.
        let _ = timeout(AIM_TIMEOUT, self.redeeming.notified()).await;
    }

    /// Returns whether there is a worker that is not stopped.
    pub(super) fn is_running(&self) -> bool {
        let state = self.state();
        state.worker.as_ref().is_some_and(|worker| !worker.stopped)
    }

    /// Sends an order to the worker. Returns whether there is one.
    pub(super) fn order(&self, order: Order) -> bool {
        let state = self.state();
        let worker = state.worker.as_ref();
        worker.is_some_and(|worker| worker.orders.send(order).is_ok())
    }

    /// Waits for the end of a worker that finishes.
    pub(super) async fn end(&self, fleet: &Fleet, patience: Duration) -> Result<(), BoxError> {
        let Some(mut worker) = self.state().worker.take() else {
            return Ok(());
        };
        // Closes its input.
        drop(worker.orders);
        let problem = match timeout(patience, worker.child.wait()).await {
            Ok(status) => {
                let status = status?;
                (!status.success()).then(|| format!("it ended with {status}"))
            }
            Err(_) => {
                worker.child.kill().await?;
                Some(format!("it did not end within {} s", patience.as_secs()))
            }
        };
        worker.reader.await?;
        fleet.note(&worker.name, |log| {
            log.ended = Some(now());
            log.problem = problem;
        });
        Ok(())
    }
}
