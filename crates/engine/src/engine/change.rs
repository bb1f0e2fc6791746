//! Changes of an account's login: logins, adoptions, disconnects, and accounts to be forgotten.

use std::{sync::Arc, time::Duration};

use tokenkeeper_refresh::{ChangeId, Flow, Input, Queue};

use super::{auditing, core::Core, entry::AccountEntry, payload::Payload, pump, round::Wait};
use crate::{audit::Actor, error::Error, exchange::Exchange};

/// Logs in with the code of a flow. The exchange continues if the caller stops waiting.
pub(crate) async fn login(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    exchange: Exchange,
    flow: Flow,
) -> Result<(), Error> {
    let exchange = Arc::new(exchange);
    change(core, entry, |id| {
        entry.lock().cold().exchanges.push((id, exchange));
        Input::Login(id, flow)
    })
    .await
}

/// Writes tokens that the application already has, as a new authorization.
pub(crate) async fn adopt(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    payload: Payload,
) -> Result<(), Error> {
    change(core, entry, |id| Input::Adopt(id, payload)).await
}

/// Ends the account's login: writes a tombstone, then revokes the tokens.
pub(crate) async fn disconnect(core: &Arc<Core>, entry: &Arc<AccountEntry>) -> Result<(), Error> {
    change(core, entry, Input::Disconnect).await
}

/// Forgets the account: nothing of it is kept, and nothing is revoked.
pub(crate) async fn forget(core: &Arc<Core>, entry: &Arc<AccountEntry>) -> Result<(), Error> {
    change(core, entry, Input::Forget).await
}

/// Starts a change and waits for its result. Dropping the future only stops the waiting.
async fn change(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    input: impl FnOnce(ChangeId) -> Input<Payload>,
) -> Result<(), Error> {
    // A code cannot be exchanged again, so its caller also waits for a whole lease.
    let waited = core
        .options
        .acquire_timeout
        .saturating_add(core.options.lease);
    let (_, wait) = begin(core, entry, waited, input).await?;
    wait.await.unwrap_or_else(|| {
        Err(Error::Timeout {
            account: entry.digest(),
            waited,
        })
    })
}

/// Starts a change. Returns its id, and a wait for its result of at most `waited`.
pub(super) async fn begin(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    waited: Duration,
    input: impl FnOnce(ChangeId) -> Input<Payload>,
) -> Result<(ChangeId, Wait), Error> {
    if core.is_closing() {
        return Err(Error::ShutDown);
    }
    auditing::admit(core).await?;
    // An entry in use is not evicted between the steps.
    entry.touch();
    let id = core.next_change();
    let wait = entry
        .lock()
        .cold()
        .join(Queue::Change(id), waited, &core.runtime)?;
    if core.audit.is_some()
        && let Some(actor) = Actor::current()
    {
        entry.lock().cold().note_actor(id, actor);
    }
    pump::step(core, entry, input(id));
    Ok((id, wait))
}
