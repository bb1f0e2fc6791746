//! The operations of callers: take the current token, or wait for a job.

use std::sync::Arc;

use tokenkeeper_refresh::{Failure, Input, Queue};

use super::{
    core::Core,
    entry::AccountEntry,
    pump::{self, Next},
    report,
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
pub(crate) fn stale(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    replayable: bool,
) -> Option<Arc<Snapshot>> {
    match pump::ask(core, entry, Input::Wanted { replayable }) {
        Some(Next::Serve) => entry.snapshot.load_full(),
        _ => None,
    }
}

/// How many jobs a caller waits for. One job may lead to another, such as a comparison that finds
/// an expired token.
const ROUNDS: usize = 8;

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
    for _ in 0..ROUNDS {
        let next = pump::ask(core, entry, Input::Wanted { replayable });
        let (queue, wait) = match next {
            Some(Next::Serve) => return served(entry),
            Some(Next::Fail(error)) => return Err(error),
            Some(Next::Wait(queue, wait)) => (queue, wait),
            Some(Next::Current | Next::HeldOff) | None => break,
        };
        let failed = match wait.await {
            Some(Ok(())) if queue == Queue::Refresh => {
                // Waiters get the token of their refresh even if it seems to be expired already.
                if let Some(snapshot) = entry.snapshot.load_full() {
                    return Ok(snapshot);
                }
                continue;
            }
            Some(Ok(())) => continue,
            Some(Err(error)) => Some(error),
            None => None,
        };
        // A token that is still valid is served anyway.
        return match pump::ask(core, entry, Input::WaitedLong) {
            Some(Next::Serve) => served(entry),
            Some(Next::Fail(error)) => Err(failed.unwrap_or(error)),
            _ => Err(failed.unwrap_or_else(|| timeout(core, entry))),
        };
    }
    Err(timeout(core, entry))
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
