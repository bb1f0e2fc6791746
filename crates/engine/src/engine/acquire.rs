//! The operations of callers: take the current token, or wait for a job.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokenkeeper_refresh::{Failure, Input, Queue};

use super::{
    auditing::{self, Admission},
    core::Core,
    entry::AccountEntry,
    pump::{self, Next},
    report,
    round::{Wait, Waited},
    snapshot::Snapshot,
};
use crate::error::Error;

/// Returns `snapshot` if a request may use it without asking the machine.
#[inline(always)]
pub(crate) fn fresh<'a>(
    core: &Core,
    entry: &AccountEntry,
    snapshot: Option<&'a Arc<Snapshot>>,
    replayable: bool,
) -> Option<&'a Arc<Snapshot>> {
    entry.touch();
    let snapshot = snapshot?;
    let now = core.time.coarse_now();
    (now < snapshot.fresh_until && (replayable || !snapshot.replayable_only)).then_some(snapshot)
}

/// Returns the token to send now, if no wait is needed.
#[inline]
pub(crate) fn try_credential(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    replayable: bool,
) -> Option<Arc<Snapshot>> {
    let snapshot = entry.snapshot.load();
    match fresh(core, entry, snapshot.as_ref(), replayable) {
        Some(snapshot) => Some(snapshot.clone()),
        None => stale(core, entry, replayable),
    }
}

/// Asks the machine for the token to send now. A job that is due starts in the background.
#[cold]
fn stale(core: &Arc<Core>, entry: &Arc<AccountEntry>, replayable: bool) -> Option<Arc<Snapshot>> {
    if auditing::holds_back(core) {
        return None;
    }
    // A token that has expired by the coarse clock, which is behind, has expired.
    if entry.lock().machine.joins_refresh(core.time.coarse_now()) {
        return None;
    }
    match pump::ask(core, entry, Input::Wanted { replayable }) {
        Some(Next::Serve) => entry.snapshot.load_full(),
        _ => None,
    }
}

/// Returns the token to send now, or starts to wait for it.
// Not marked as cold: in a cold function, the compiler would inline none of what follows.
#[inline(never)]
pub(crate) fn start(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    replayable: bool,
) -> Result<Arc<Snapshot>, Acquiring> {
    let mut acquiring = Acquiring::new(replayable);
    if auditing::holds_back(core) {
        return Err(acquiring);
    }
    match acquiring.ask(core, entry) {
        Some(Ok(snapshot)) => Ok(snapshot),
        // The first poll asks again, and returns the error.
        Some(Err(_)) => Err(Acquiring::new(replayable)),
        None => Err(acquiring),
    }
}

/// How many jobs a caller waits for. One job may lead to another, such as a comparison that finds
/// an expired token.
const ROUNDS: u8 = 8;

/// A caller's wait for the token to send, of one job or several, once no fresh one was found.
/// Dropping it only stops the waiting.
///
/// A front keeps it next to the request that waits, without an allocation.
#[derive(Debug)]
pub(crate) struct Acquiring {
    replayable: bool,
    /// How many more jobs it waits for.
    rounds: u8,
    stage: Stage,
}

/// What a caller waits for.
#[derive(Debug)]
enum Stage {
    /// Nothing yet: the audit trail must have room for what the caller may start.
    New,
    /// For that room.
    Admission(Admission),
    /// Nothing: it asks for the token next.
    Admitted,
    /// For the result of a job.
    Job(Queue, Wait),
}

impl Acquiring {
    pub(crate) fn new(replayable: bool) -> Self {
        Self {
            replayable,
            rounds: ROUNDS,
            stage: Stage::New,
        }
    }

    /// Asks for the token to send. `None`: it waits for a job.
    #[inline(always)]
    fn ask(
        &mut self,
        core: &Arc<Core>,
        entry: &Arc<AccountEntry>,
    ) -> Option<Result<Arc<Snapshot>, Error>> {
        let Some(rounds) = self.rounds.checked_sub(1) else {
            return Some(Err(timeout(core, entry)));
        };
        self.rounds = rounds;
        match pump::join_refresh(core, entry) {
            Some(Ok(wait)) => {
                self.stage = Stage::Job(Queue::Refresh, wait);
                None
            }
            Some(Err(error)) => Some(Err(error)),
            None => self.ask_machine(core, entry),
        }
    }

    #[cold]
    fn ask_machine(
        &mut self,
        core: &Arc<Core>,
        entry: &Arc<AccountEntry>,
    ) -> Option<Result<Arc<Snapshot>, Error>> {
        let replayable = self.replayable;
        match pump::ask(core, entry, Input::Wanted { replayable }) {
            Some(Next::Serve) => Some(served(entry)),
            Some(Next::Fail(error)) => Some(Err(error)),
            Some(Next::Wait(queue, wait)) => {
                self.stage = Stage::Job(queue, wait);
                None
            }
            Some(Next::Current | Next::HeldOff) | None => Some(Err(timeout(core, entry))),
        }
    }

    /// Returns the token to send, after a wait for a job if one is needed.
    // Inlined up to the caller, so that the result is not moved through memory.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        core: &Arc<Core>,
        entry: &Arc<AccountEntry>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<Snapshot>, Error>> {
        loop {
            let Stage::Job(queue, wait) = &mut self.stage else {
                if let Some(end) = ready!(self.poll_start(core, entry, cx)) {
                    return Poll::Ready(end);
                }
                continue;
            };
            let waited = ready!(wait.poll_shared(cx));
            // Waiters get the token of their refresh even if it seems to be expired already.
            if *queue == Queue::Refresh
                && let Some(Ok(())) = waited
                && let Some(snapshot) = entry.snapshot.load_full()
            {
                return Poll::Ready(Ok(snapshot));
            }
            self.stage = Stage::Admitted;
            if let Some(end) = on_waited(core, entry, waited) {
                return Poll::Ready(end);
            }
        }
    }

    /// Starts to wait for a job once the audit trail has room, or returns the end of the wait.
    #[cold]
    fn poll_start(
        &mut self,
        core: &Arc<Core>,
        entry: &Arc<AccountEntry>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Arc<Snapshot>, Error>>> {
        if let Stage::New = self.stage {
            self.stage = if auditing::holds_back(core) {
                Stage::Admission(auditing::wait_for_room(core)?)
            } else {
                Stage::Admitted
            };
        }
        if let Stage::Admission(admission) = &mut self.stage {
            let admitted = ready!(Pin::new(admission).poll(cx));
            self.stage = Stage::New;
            if !matches!(admitted, Ok(true)) {
                return Poll::Ready(Some(Err(Error::AuditFull)));
            }
            self.stage = Stage::Admitted;
        }
        Poll::Ready(self.ask(core, entry))
    }
}

/// Returns the end of a caller's wait after the result of a job; `None` if it must ask again.
#[cold]
fn on_waited(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    waited: Waited<Arc<Error>>,
) -> Option<Result<Arc<Snapshot>, Error>> {
    let failed = match waited {
        Some(Ok(())) => return None,
        Some(Err(error)) => Some(Arc::unwrap_or_clone(error)),
        None => None,
    };
    // A token that is still valid is served anyway.
    Some(match pump::ask(core, entry, Input::WaitedLong) {
        Some(Next::Serve) => served(entry),
        Some(Next::Fail(error)) => Err(failed.unwrap_or(error)),
        _ => Err(failed.unwrap_or_else(|| timeout(core, entry))),
    })
}

/// Returns the token to send, after a wait for a job if one is needed. Cancel safe.
pub(crate) async fn token(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    replayable: bool,
) -> Result<Arc<Snapshot>, Error> {
    let snapshot = entry.snapshot.load();
    if let Some(snapshot) = fresh(core, entry, snapshot.as_ref(), replayable) {
        return Ok(snapshot.clone());
    }
    drop(snapshot);
    let mut acquiring = Acquiring::new(replayable);
    poll_fn(|cx| acquiring.poll(core, entry, cx)).await
}

/// Returns the snapshot, which the machine allows to be served.
fn served(entry: &AccountEntry) -> Result<Arc<Snapshot>, Error> {
    if let Some(snapshot) = entry.snapshot.load_full() {
        return Ok(snapshot);
    }
    let inner = entry.lock();
    let unattachable = inner.cold_ref().and_then(|cold| cold.unattachable.clone());
    Err(unattachable.unwrap_or(Error::NotConnected {
        account: entry.digest(),
    }))
}

fn timeout(core: &Core, entry: &AccountEntry) -> Error {
    report::error(core, entry, &entry.lock(), Failure::Timeout)
}

/// Refreshes the token now, or joins the refresh in flight. Cancel safe.
pub(crate) async fn refresh(core: &Arc<Core>, entry: &Arc<AccountEntry>) -> Result<(), Error> {
    auditing::admit(core).await?;
    finish(core, entry, Input::Refresh).await
}

/// Compares memory with the store. Cancel safe.
pub(crate) async fn compare(core: &Arc<Core>, entry: &Arc<AccountEntry>) -> Result<(), Error> {
    match finish(core, entry, Input::Compare).await {
        Err(Error::NotConnected { .. }) => Ok(()),
        result => result,
    }
}

/// Passes a caller's input to the machine and waits for the result. Cancel safe.
pub(crate) async fn finish(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    input: Input<super::payload::Payload>,
) -> Result<(), Error> {
    match pump::ask(core, entry, input) {
        Some(Next::Wait(_, wait)) => wait.await.unwrap_or_else(|| Err(timeout(core, entry))),
        Some(Next::Fail(error)) => Err(error),
        Some(Next::Serve | Next::Current | Next::HeldOff) | None => Ok(()),
    }
}
