//! One visit to an account: a comparison with the store, then the refresh or revocation that is
//! due.

use std::{sync::Arc, time::Duration};

use tokenkeeper_protocol::Class;
use tokenkeeper_refresh::{Input, Record, planned};
use tokenkeeper_store::{Key, StoreError};

use crate::{
    engine::{AccountEntry, Core, ProviderSite, acquire, registry},
    error::{Error, ExchangeError},
};

/// An account that the store listed.
pub(super) struct DueAccount {
    pub(super) key: Key,
    pub(super) site: Arc<ProviderSite>,
    /// Whether it was listed as due, not as in need of attention.
    pub(super) due: bool,
}

/// The outcome of a visit.
pub(super) enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// The token endpoint responded.
    Responded,
    /// The token endpoint is overloaded or fails; pause for at least this time.
    Paused(Duration),
    /// The account cannot be refreshed for some time.
    Unrefreshable,
    /// The store failed.
    StoreFailed,
}

/// Refreshes an account, unless another worker did so meanwhile. Returns the entry if it is in
/// memory only because of this visit.
pub(super) async fn visit(
    core: &Arc<Core>,
    account: &DueAccount,
) -> (Outcome, Option<Arc<AccountEntry>>) {
    let known = registry::known_entry(core, &account.key);
    let temporary = known.is_none();
    let entry = match known {
        Some(entry) => entry,
        None => match registry::entry(core, &account.site, account.key.subject()) {
            Ok(entry) => entry,
            Err(_) => return (Outcome::Unrefreshable, None),
        },
    };
    let outcome = visit_entry(core, account, &entry).await;
    (outcome, temporary.then_some(entry))
}

/// Visits an account that is in memory.
async fn visit_entry(core: &Arc<Core>, account: &DueAccount, entry: &Arc<AccountEntry>) -> Outcome {
    // Another worker may have visited the account since the listing.
    if let Err(error) = acquire::compare(core, entry).await {
        let digest = entry.digest();
        tracing::warn!(account = %digest, %error, "the refresher cannot read an account");
        return if is_unreadable(&error) {
            Outcome::Unrefreshable
        } else {
            Outcome::StoreFailed
        };
    }
    let record = entry.lock().machine.record().cloned();
    let Some(record) = record else {
        return Outcome::Nothing;
    };
    if !record.revoke.is_empty() {
        // The comparison started the revocation. The wait bounds how many are in flight.
        let until = core.time.now().after(core.options.exchange_timeout);
        while entry.lock().machine.is_revoking() && core.time.now() < until {
            tokio::time::sleep(REVOCATION_POLL).await;
        }
    }
    let Some(live) = record.live() else {
        return park_if_due(account, &record);
    };
    let planned = planned(live, &entry.site.rules, entry.place());
    let Some(planned) = planned else {
        return park_if_due(account, &record);
    };
    let is_healthy = live.failures.is_none() && live.attempt.is_none();
    if is_healthy && planned > core.time.wall() {
        return Outcome::Nothing;
    }
    match acquire::finish(
        core,
        entry,
        Input::Due {
            listed: account.due,
        },
    )
    .await
    {
        Ok(()) => Outcome::Responded,
        Err(error) => outcome_of(&error, core),
    }
}

/// Parks an account that is listed as due although it cannot be refreshed, as an older version of
/// this crate marked it: each scan would list it again.
fn park_if_due<T>(account: &DueAccount, record: &Record<T>) -> Outcome {
    if account.due && record.authorization().is_some() {
        Outcome::Unrefreshable
    } else {
        Outcome::Nothing
    }
}

/// Returns whether the store works and this record is the problem.
fn is_unreadable(error: &Error) -> bool {
    match error {
        Error::Record { .. } => true,
        Error::Store { source, .. } => matches!(
            **source,
            StoreError::Undecryptable { .. }
                | StoreError::NotEncrypted
                | StoreError::Corrupt { .. }
                | StoreError::NewerFormat { .. }
        ),
        _ => false,
    }
}

/// Returns the outcome of a failed refresh.
fn outcome_of(error: &Error, core: &Core) -> Outcome {
    match error {
        Error::ReauthorizationRequired { .. } => Outcome::Responded,
        // The token endpoint would refuse the next account too: they share the registration.
        Error::Configuration { .. } => Outcome::Paused(core.options.max_backoff),
        Error::Store { .. } => Outcome::StoreFailed,
        Error::Record { .. } => Outcome::Unrefreshable,
        Error::Unavailable {
            source: Some(source),
            ..
        } => match source {
            ExchangeError::Refused(refusal) => match refusal.class {
                Class::Transient { retry_after } => {
                    Outcome::Paused(retry_after.unwrap_or_default())
                }
                Class::Ambiguous => Outcome::Paused(Duration::ZERO),
                _ => Outcome::Responded,
            },
            ExchangeError::Transport(_) => Outcome::Paused(Duration::ZERO),
            ExchangeError::Request(_) | ExchangeError::TooLate => Outcome::Nothing,
        },
        _ => Outcome::Nothing,
    }
}

/// The time between two checks of a running revocation.
const REVOCATION_POLL: Duration = Duration::from_millis(100);

/// Evicts an entry that is in memory only because of a visit: a fleet is larger than what one
/// process should hold. Returns the entry if it is not at rest yet, since a pause that the machine
/// counts would start again.
pub(super) fn evict(core: &Core, temporary: Arc<AccountEntry>) -> Option<Arc<AccountEntry>> {
    // The application uses it by now, so the sweep evicts it like any other.
    if temporary.is_touched() {
        return None;
    }
    let (now, wall) = (core.time.now(), core.time.wall());
    // The map and the worker hold it. Another holder may be about to use it.
    let held = Arc::strong_count(&temporary) > 2;
    if held
        || !temporary.lock().machine.is_at_rest(now, wall)
        || !temporary.drop_if_idle(now, Duration::ZERO)
    {
        return Some(temporary);
    }
    let (site, subject) = (temporary.site.clone(), temporary.subject.clone());
    drop(temporary);
    registry::retire(core, &site, &subject);
    None
}
