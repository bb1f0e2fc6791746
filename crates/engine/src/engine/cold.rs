//! The part of an account's state that few accounts have at a time.

use std::{sync::Arc, time::Duration};

use tokenkeeper_refresh::{ChangeId, Queue};
use tokio::runtime::Handle;

use super::{
    round::{Round, Wait},
    runtime::EngineRuntime,
};
use crate::{
    audit::Actor,
    error::{Error, ExchangeError},
    exchange::Exchange,
    metrics::JobTimes,
};

/// The engine's side of the machine's jobs: waiters, pending code exchanges and the last errors.
#[derive(Default)]
pub(crate) struct Cold {
    /// The waiters of each queue.
    rounds: Vec<(Queue, Arc<Round>)>,
    /// The code exchange of each login in flight.
    pub(crate) exchanges: Vec<(ChangeId, Arc<Exchange>)>,
    /// The error of the last call to the store.
    pub(crate) store_error: Option<Error>,
    /// The error of the last refresh.
    pub(crate) exchange_error: Option<ExchangeError>,
    /// The error of each failed code exchange.
    pub(crate) login_errors: Vec<(ChangeId, ExchangeError)>,
    /// The reason why the current token cannot be attached.
    pub(crate) unattachable: Option<Error>,
    /// On whose behalf each change in flight runs, for the audit trail.
    actors: Vec<(ChangeId, Actor)>,
    /// On whose behalf the refresh in flight was started.
    pub(super) refresh_actor: Option<Actor>,
    /// Whether the account waits to leave memory, since it is disconnected.
    pub(crate) leaves: bool,
    /// When its jobs began, for metrics.
    pub(crate) times: JobTimes,
}

impl Cold {
    /// Joins a queue for at most `wait`.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] if no task can watch the deadline.
    #[inline(always)]
    pub(super) fn join(
        &mut self,
        queue: Queue,
        wait: Duration,
        runtime: &EngineRuntime,
    ) -> Result<Wait, Error> {
        let round = self.round(queue);
        let (waiting, watched) = round.join(wait);
        if !watched {
            round.watch_deadlines(&runtime.handle()?);
        }
        Ok(waiting)
    }

    /// Returns the current round of a queue.
    #[inline]
    fn round(&mut self, queue: Queue) -> &Arc<Round> {
        let at = self.rounds.iter().position(|(other, _)| *other == queue);
        let at = at.unwrap_or_else(|| {
            self.rounds.push((queue, Arc::default()));
            self.rounds.len() - 1
        });
        &self.rounds[at].1
    }

    /// Ends the current round of a queue and returns it.
    pub(super) fn end_round(&mut self, queue: Queue) -> Option<Arc<Round>> {
        if let Queue::Change(id) = queue {
            self.exchanges.retain(|(other, _)| *other != id);
            self.login_errors.retain(|(other, _)| *other != id);
        }
        let at = self.rounds.iter().position(|(other, _)| *other == queue)?;
        Some(self.rounds.swap_remove(at).1)
    }

    /// Keeps the last error of a login, of which each poll may have one.
    pub(super) fn set_login_error(&mut self, id: ChangeId, error: ExchangeError) {
        self.login_errors.retain(|(other, _)| *other != id);
        self.login_errors.push((id, error));
    }

    /// Notes on whose behalf a change runs.
    pub(super) fn note_actor(&mut self, id: ChangeId, actor: Actor) {
        self.actors.push((id, actor));
    }

    /// Returns on whose behalf a change ran, once.
    pub(super) fn take_actor(&mut self, id: ChangeId) -> Option<Actor> {
        let at = self.actors.iter().position(|(other, _)| *other == id)?;
        Some(self.actors.swap_remove(at).1)
    }

    /// Watches the deadlines of all waiters on a new runtime.
    pub(super) fn watch_deadlines(&self, runtime: &Handle) {
        for (_, round) in &self.rounds {
            round.watch_deadlines(runtime);
        }
    }

    /// Returns whether a caller waits, or is about to start what it waits for.
    pub(super) fn has_waiters(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Returns the pending code exchange of a login.
    pub(super) fn exchange(&self, id: ChangeId) -> Option<Arc<Exchange>> {
        let found = self.exchanges.iter().find(|(other, _)| *other == id)?;
        Some(found.1.clone())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rounds.is_empty()
            && self.exchanges.is_empty()
            && self.login_errors.is_empty()
            && self.store_error.is_none()
            && self.exchange_error.is_none()
            && self.unattachable.is_none()
            && self.actors.is_empty()
            && self.refresh_actor.is_none()
            && !self.leaves
            && self.times.is_empty()
    }
}
