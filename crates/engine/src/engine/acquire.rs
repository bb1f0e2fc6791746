//! What callers do: take what is served, or wait.

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

/// `snapshot`, which is what is served now, if a request may take it without asking.
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

/// The token to send now, if no waiting is needed.
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

/// The token to send now, as the machine sees it: what is due begins in the background.
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

/// A job may end in a truth that calls for another: a comparison that finds an expired token, a
/// login that comes between.
const ROUNDS: usize = 8;

/// The token to send, waiting for a job if that is needed. Cancel safe.
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
                // What has just come is served to those who waited for it, even if it says that it
                // has expired.
                if let Some(snapshot) = entry.snapshot.load_full() {
                    return Ok(snapshot);
                }
                continue;
            }
            Some(Ok(())) => continue,
            Some(Err(error)) => Some(error),
            None => None,
        };
        // A token that is still good is served anyway.
        return match pump::ask(core, entry, Input::WaitedLong) {
            Some(Next::Serve) => served(entry),
            Some(Next::Fail(error)) => Err(failed.unwrap_or(error)),
            _ => Err(failed.unwrap_or_else(|| timeout(core, entry))),
        };
    }
    Err(timeout(core, entry))
}

/// The snapshot, which the machine says may be served.
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

/// Replaces the newest token now, sharing a refresh in flight. Cancel safe.
pub(crate) async fn refresh(core: &Arc<Core>, entry: &Arc<AccountEntry>) -> Result<(), Error> {
    finish(core, entry, Input::Refresh).await
}

/// Compares memory with the store.
pub(crate) async fn compare(core: &Arc<Core>, entry: &Arc<AccountEntry>) -> Result<(), Error> {
    match finish(core, entry, Input::Compare).await {
        Err(Error::NotConnected { .. }) => Ok(()),
        result => result,
    }
}

/// Hands in a wish, and waits for its result.
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
