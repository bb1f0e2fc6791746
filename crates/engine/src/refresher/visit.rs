//! One visit to an account: a comparison with the store, then the refresh or revocation that is
//! due.

use std::{sync::Arc, time::Duration};

use tokenkeeper_protocol::Class;
use tokenkeeper_refresh::{Input, Record, WallMillis, planned};

use super::queue::DueAccount;

use crate::{
    engine::{AccountEntry, Core, acquire, auditing, registry},
    error::{Error, ExchangeError},
};

/// A visit to a listed account.
pub(super) struct Visit {
    pub(super) account: DueAccount,
    entry: Arc<AccountEntry>,
    /// Whether the entry is in memory only because of this visit.
    is_temporary: bool,
}

/// A visit that is over.
pub(super) struct FinishedVisit {
    pub(super) account: DueAccount,
    pub(super) outcome: Outcome,
    /// When the account was due, if it was.
    pub(super) due_at: Option<WallMillis>,
    /// The entry, if it is in memory only because of this visit.
    pub(super) temporary: Option<Arc<AccountEntry>>,
}

/// The outcome of a visit.
pub(super) enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// The token endpoint responded.
    Responded,
    /// The token endpoint is overloaded or fails; pause for at least this time.
    Paused(Duration, Box<Error>),
    /// The account cannot be refreshed for some time.
    Unrefreshable,
    /// The store failed.
    StoreFailed,
    /// The site is paused.
    GivenUp,
}

impl Visit {
    /// Begins a visit; `Err` if the account cannot be refreshed.
    pub(super) fn begin(core: &Arc<Core>, account: DueAccount) -> Result<Self, FinishedVisit> {
        let known = registry::known_entry(core, &account.key);
        let is_temporary = known.is_none();
        let entry = match known {
            Some(entry) => entry,
            None => match registry::entry(core, &account.site, account.key.subject()) {
                Ok(entry) => entry,
                Err(_) => {
                    return Err(FinishedVisit {
                        account,
                        outcome: Outcome::Unrefreshable,
                        due_at: None,
                        temporary: None,
                    });
                }
            },
        };
        Ok(Self {
            account,
            entry,
            is_temporary,
        })
    }

    /// Compares memory with the store. `Err`: the visit is over.
    ///
    /// Another worker may have visited the account since the listing.
    pub(super) async fn read(self, core: Arc<Core>) -> Result<Self, FinishedVisit> {
        let Err(error) = acquire::compare(&core, &self.entry).await else {
            return Ok(self);
        };
        let outcome = if error.is_unreadable_record() {
            Outcome::Unrefreshable
        } else {
            Outcome::StoreFailed
        };
        Err(self.finish(outcome, None))
    }

    /// Refreshes an account that was read, if it is due, or waits for its revocation.
    pub(super) async fn refresh(self, core: Arc<Core>) -> FinishedVisit {
        let (outcome, due_at) = refresh(&core, &self.account, &self.entry).await;
        self.finish(outcome, due_at)
    }

    /// Ends the visit.
    pub(super) fn finish(self, outcome: Outcome, due_at: Option<WallMillis>) -> FinishedVisit {
        FinishedVisit {
            account: self.account,
            outcome,
            due_at,
            temporary: self.is_temporary.then_some(self.entry),
        }
    }
}

/// Refreshes an account that is in memory, if it is due. Returns the outcome, and when it was due.
async fn refresh(
    core: &Arc<Core>,
    account: &DueAccount,
    entry: &Arc<AccountEntry>,
) -> (Outcome, Option<WallMillis>) {
    let record = entry.lock().machine.record().cloned();
    let Some(record) = record else {
        return (Outcome::Nothing, None);
    };
    if !record.revoke.is_empty() {
        // The comparison started the revocation. The wait bounds how many are in flight.
        let until = core.time.now().after(core.options.exchange_timeout);
        while entry.lock().machine.is_revoking() && core.time.now() < until {
            tokio::time::sleep(REVOCATION_POLL).await;
        }
    }
    let planned = record
        .live()
        .and_then(|live| Some((live, planned(live, &entry.site.rules, entry.place())?)));
    let Some((live, planned)) = planned else {
        return (park_if_due(account, &record), None);
    };
    let is_healthy = live.failures.is_none() && live.attempt.is_none();
    let due_at = (planned <= core.time.wall()).then_some(planned);
    if is_healthy && due_at.is_none() {
        return (Outcome::Nothing, None);
    }
    if auditing::admit(core).await.is_err() {
        return (Outcome::Nothing, due_at);
    }
    let listed = account.due;
    let outcome = match acquire::finish(core, entry, Input::Due { listed }).await {
        Ok(()) => Outcome::Responded,
        Err(error) => outcome_of(&error, core),
    };
    (outcome, due_at)
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

/// Returns the outcome of a failed refresh.
fn outcome_of(error: &Error, core: &Core) -> Outcome {
    match error {
        Error::ReauthorizationRequired { .. } => Outcome::Responded,
        // The token endpoint would refuse the next account too: they share the registration.
        Error::Configuration { .. } => {
            Outcome::Paused(core.options.max_backoff, Box::new(error.clone()))
        }
        Error::Store { .. } | Error::StoreTooSlow { .. } => Outcome::StoreFailed,
        Error::Record { .. } => Outcome::Unrefreshable,
        Error::Unavailable {
            source: Some(source),
            retry_after: left,
            ..
        } => match source {
            ExchangeError::Refused(refusal) => match refusal.class {
                // The refusal may be an earlier one, of which less is left.
                Class::Transient { retry_after } => {
                    let wait = retry_after.unwrap_or_default().min(*left);
                    Outcome::Paused(wait, Box::new(error.clone()))
                }
                Class::Ambiguous => Outcome::Paused(Duration::ZERO, Box::new(error.clone())),
                _ => Outcome::Responded,
            },
            ExchangeError::Transport(_) => Outcome::Paused(Duration::ZERO, Box::new(error.clone())),
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
        || !temporary.drop_if_idle(now, Duration::ZERO, &core.origins)
    {
        return Some(temporary);
    }
    let (site, subject) = (temporary.site.clone(), temporary.subject.clone());
    drop(temporary);
    registry::retire(core, &site, &subject);
    None
}
