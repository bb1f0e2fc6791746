//! One visit to one account: a comparison with the store, and the refresh or the revocation that is
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
    /// It was listed as due; otherwise, as in need of attention.
    pub(super) due: bool,
}

/// The outcome of a visit.
pub(super) enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// The token endpoint answered.
    Answered,
    /// The token endpoint is busy or ill; it may have said for how long at least.
    Busy(Duration),
    /// Nothing can be done about this account for some time.
    Unfit,
    /// The store failed.
    StoreFailed,
}

/// Refreshes the account unless another worker has meanwhile. The entry comes back if it is in
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
            Err(_) => return (Outcome::Unfit, None),
        },
    };
    let outcome = visit_entry(core, account, &entry).await;
    (outcome, temporary.then_some(entry))
}

async fn visit_entry(core: &Arc<Core>, account: &DueAccount, entry: &Arc<AccountEntry>) -> Outcome {
    // One read before anything is begun: another worker may have been here since the listing.
    if let Err(error) = acquire::compare(core, entry).await {
        let digest = entry.digest();
        tracing::warn!(account = %digest, %error, "the refresher cannot read an account");
        return if is_unreadable(&error) {
            Outcome::Unfit
        } else {
            Outcome::StoreFailed
        };
    }
    let record = entry.lock().machine.record().cloned();
    let Some(record) = record else {
        return Outcome::Nothing;
    };
    if !record.revoke.is_empty() {
        // The engine revokes by itself; waiting bounds how many are in flight.
        let until = core.time.now().after(core.options.exchange_timeout);
        while entry.lock().machine.is_revoking() && core.time.now() < until {
            tokio::time::sleep(REVOKING).await;
        }
    }
    let Some(live) = record.live() else {
        return unless_due(account, &record);
    };
    let planned = planned(live, &entry.site.rules, entry.place());
    let Some(planned) = planned else {
        return unless_due(account, &record);
    };
    let waits = live.failures.is_none() && live.attempt.is_none();
    if waits && planned > core.time.wall() {
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
        Ok(()) => Outcome::Answered,
        Err(error) => outcome_of(&error, core),
    }
}

/// What an older version of this software marked as due although nothing can be done is not looked
/// at all the time.
fn unless_due<T>(account: &DueAccount, record: &Record<T>) -> Outcome {
    if account.due && record.authorization().is_some() {
        Outcome::Unfit
    } else {
        Outcome::Nothing
    }
}

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

fn outcome_of(error: &Error, core: &Core) -> Outcome {
    match error {
        Error::ReauthorizationRequired { .. } => Outcome::Answered,
        // The next account would be refused too: the registration is the provider's, not the
        // account's.
        Error::Configuration { .. } => Outcome::Busy(core.options.max_backoff),
        Error::Store { .. } => Outcome::StoreFailed,
        Error::Record { .. } => Outcome::Unfit,
        Error::Unavailable {
            source: Some(source),
            ..
        } => match source {
            ExchangeError::Refused(refusal) => match refusal.class {
                Class::Transient { retry_after } => Outcome::Busy(retry_after.unwrap_or_default()),
                Class::Ambiguous => Outcome::Busy(Duration::ZERO),
                _ => Outcome::Answered,
            },
            ExchangeError::Transport(_) => Outcome::Busy(Duration::ZERO),
            ExchangeError::Request(_) | ExchangeError::TooLate => Outcome::Nothing,
        },
        _ => Outcome::Nothing,
    }
}

/// Between two looks at whether a revocation has ended.
const REVOKING: Duration = Duration::from_millis(100);

/// Drops from memory what was there only because of a visit: a fleet is larger than what one
/// process serves. Returns what is not at rest yet: a pause that was counted would begin anew.
pub(super) fn let_go(core: &Core, temporary: Arc<AccountEntry>) -> Option<Arc<AccountEntry>> {
    // The application uses it by now: then it goes as all others do.
    if temporary.is_touched() {
        return None;
    }
    let (now, wall) = (core.time.now(), core.time.wall());
    // The map and this list hold it; another holder may be about to use it.
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
