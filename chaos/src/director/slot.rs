//! A place for workers: it has one process after the other.

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
    said::{Order, now},
};

/// A place for workers.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) index: usize,
    /// What its workers are told to open.
    store: String,
    state: Mutex<State>,
    /// Told when its worker sends a token request, and when it has the answer.
    redeeming: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    worker: Option<Worker>,
    count: usize,
}

/// How long an aimed fault waits for its moment.
const MOMENT: Duration = Duration::from_secs(2);

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

    /// Starts a worker; nothing happens where there is one.
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

    /// SIGKILL. Says whether there was anybody.
    pub(super) async fn kill(&self, fleet: &Fleet) -> Result<bool, BoxError> {
        let Some(mut worker) = self.state().worker.take() else {
            return Ok(false);
        };
        fleet.note(&worker.name, |life| life.killed = Some(now()));
        worker.child.kill().await?;
        // What it had said is still in the pipe.
        worker.hearing.await?;
        fleet.note(&worker.name, |life| life.ended = Some(now()));
        Ok(true)
    }

    /// SIGSTOP, and SIGCONT after a while to whoever is still there. Says whether there was anybody.
    pub(super) async fn stop(&self, fleet: &Fleet, length: Duration) -> Result<bool, BoxError> {
        let Some((name, process)) = self.mark_stopped() else {
            return Ok(false);
        };
        let from = now();
        let stop = Span { from, to: u64::MAX };
        fleet.note(&name, |life| life.stops.push(stop));
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
        fleet.note(&name, |life| {
            if let Some(stop) = life.stops.iter_mut().find(|stop| stop.from == from) {
                stop.to = now();
            }
        });
        Ok(true)
    }

    /// Its worker's name and process, where there is one that is not stopped yet.
    fn mark_stopped(&self) -> Option<(String, u32)> {
        let mut state = self.state();
        let worker = state.worker.as_mut().filter(|worker| !worker.stopped)?;
        let process = worker.child.id()?;
        worker.stopped = true;
        Some((worker.name.clone(), process))
    }

    /// Waits until the worker sends a token request, or has the answer to one, but not for long.
    pub(super) async fn redeems(&self) {
        // It is all the same to a fault whether its moment came.
        let _ = timeout(MOMENT, self.redeeming.notified()).await;
    }

    /// Whether there is a worker that is not stopped.
    pub(super) fn works(&self) -> bool {
        let state = self.state();
        state.worker.as_ref().is_some_and(|worker| !worker.stopped)
    }

    /// Tells the worker. Says whether there is one.
    pub(super) fn order(&self, order: Order) -> bool {
        let state = self.state();
        let worker = state.worker.as_ref();
        worker.is_some_and(|worker| worker.orders.send(order).is_ok())
    }

    /// Waits for the end of a worker that was told to finish, or does so by itself.
    pub(super) async fn end(&self, fleet: &Fleet, patience: Duration) -> Result<(), BoxError> {
        let Some(mut worker) = self.state().worker.take() else {
            return Ok(());
        };
        // Its input ends with it.
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
        worker.hearing.await?;
        fleet.note(&worker.name, |life| {
            life.ended = Some(now());
            life.problem = problem;
        });
        Ok(())
    }
}
