//! One look at one account, and what it calls for.

use std::{sync::Arc, time::Duration};

use tokenkeeper_protocol::Class;
use tokenkeeper_store::{Entry, Key, StoreError};
use tokio::time::Instant;

use crate::{
    Error,
    engine::{
        Core, Home, Slot,
        keep::{self, Purpose},
    },
    error::ExchangeError,
    machine::Stored,
    record::{self, Held, State},
};

/// An account to look at.
pub(super) struct Errand {
    pub(super) key: Key,
    pub(super) home: Arc<Home>,
    /// It was listed as due; otherwise, as in need of attention.
    pub(super) due: bool,
}

/// What came of an errand.
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

/// Reads the record and refreshes it if nobody has meanwhile. The slot comes back where it is in memory only because of this.
pub(super) async fn visit(core: &Arc<Core>, errand: &Errand) -> (Outcome, Option<Arc<Slot>>) {
    // One read before anything is begun: another worker may have been here since the listing.
    let limit = errand.home.pace.store_limit();
    let entry = match tokio::time::timeout(limit, core.store.get(&errand.key)).await {
        Ok(Ok(Some(entry))) => entry,
        Ok(Ok(None)) => return (Outcome::Nothing, None),
        Ok(Err(error)) => return (unreadable(errand, &error), None),
        Err(_) => return (Outcome::StoreFailed, None),
    };
    let now = core.time.wall_time();
    if errand.due && entry.due.is_none_or(|due| due > now) {
        return (Outcome::Nothing, None);
    }
    let stored = match record::decode(&entry.value) {
        Ok(record) => Stored {
            version: entry.version,
            record,
        },
        Err(error) => {
            let account = errand.key.digest();
            tracing::warn!(%account, %error, "the refresher passes over a record that it cannot read");
            return (Outcome::Unfit, None);
        }
    };
    match &stored.record.state {
        State::Live(live) if live.lasting_obstacle(&errand.home.rules).is_none() => {
            let Ok((slot, guest)) = find(core, errand) else {
                return (Outcome::Unfit, None);
            };
            let outcome = refresh(core, &slot, stored).await;
            (outcome, guest.then_some(slot))
        }
        State::Ended(tombstone) if tombstone.revoke.is_some() => {
            let Ok((slot, guest)) = find(core, errand) else {
                return (Outcome::Unfit, None);
            };
            let outcome = finish(core, &slot).await;
            (outcome, guest.then_some(slot))
        }
        // Only a person can help, or somebody has helped already.
        _ => (unless_due(errand, &entry), None),
    }
}

/// What an older version of this software marked as due although nothing can be done is not looked at all the time.
fn unless_due(errand: &Errand, entry: &Entry) -> Outcome {
    if errand.due && entry.due.is_some() {
        Outcome::Unfit
    } else {
        Outcome::Nothing
    }
}

fn unreadable(errand: &Errand, error: &StoreError) -> Outcome {
    let account = errand.key.digest();
    tracing::warn!(%account, %error, "the refresher cannot read an account");
    match error {
        StoreError::Undecryptable { .. }
        | StoreError::NotEncrypted
        | StoreError::Corrupt { .. }
        | StoreError::NewerFormat { .. } => Outcome::Unfit,
        _ => Outcome::StoreFailed,
    }
}

async fn refresh(core: &Arc<Core>, slot: &Arc<Slot>, stored: Stored<Held>) -> Outcome {
    // Memory may know more of the very same version: what an answer meant that could not be written.
    let known = slot.lock().known.as_ref().map(|known| known.version);
    if known != Some(stored.version) {
        slot.adopt(core, stored, true);
    }
    let flight = {
        let mut inner = slot.lock();
        if inner.is_busy() {
            return Outcome::Nothing;
        }
        let purpose = if inner.is_unwritten() || inner.has_ended() {
            // What memory knows better goes into the store.
            Purpose::Validate
        } else {
            Purpose::Refresh {
                wanted: inner.stamp(),
                rejected: false,
            }
        };
        match keep::take_off(core, slot, &mut inner, purpose) {
            Ok(flight) => flight,
            // The engine is closing; the worker will see it.
            Err(_) => return Outcome::Nothing,
        }
    };
    match flight.wait(Instant::now() + PATIENCE).await {
        Some(Ok(())) => Outcome::Answered,
        Some(Err(error)) => outcome_of(&error, core),
        None => Outcome::Nothing,
    }
}

/// A flight that takes longer waits for a store, and is no longer at the provider.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

fn outcome_of(error: &Error, core: &Core) -> Outcome {
    match error {
        Error::ReauthorizationRequired { .. } => Outcome::Answered,
        // The next account would be refused too: the registration is the provider's, not the account's.
        Error::Configuration { .. } => Outcome::Busy(core.options.backoff_most),
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

/// Lets the engine finish the revocation that a tombstone asks for.
async fn finish(core: &Arc<Core>, slot: &Arc<Slot>) -> Outcome {
    match keep::validate(core, slot).await {
        Err(Error::Store { .. }) => return Outcome::StoreFailed,
        Err(Error::Record { .. }) => return Outcome::Unfit,
        Ok(()) | Err(_) => {}
    }
    // It goes on by itself; waiting bounds how many are under way.
    while slot.lock().is_revoking() {
        tokio::time::sleep(REVOKING).await;
    }
    Outcome::Nothing
}

/// Between two looks at whether a revocation has ended.
const REVOKING: Duration = Duration::from_millis(100);

/// The account's slot, and whether it is in memory only because of this errand.
fn find(core: &Arc<Core>, errand: &Errand) -> Result<(Arc<Slot>, bool), Error> {
    if let Some(slot) = core.known_slot(&errand.key) {
        return Ok((slot, false));
    }
    let slot = core.slot(&errand.home, errand.key.subject())?;
    Ok((slot, true))
}

/// Drops from memory what was there only because of an errand: a fleet is larger than what one process serves.
pub(super) fn let_go(core: &Core, guest: Arc<Slot>) {
    // Somebody holds it by now beside the map and this errand: then it is theirs.
    if Arc::strong_count(&guest) > 2 || !guest.drop_if_idle(core.time.ticks(), Duration::ZERO) {
        return;
    }
    let (home, subject) = (guest.home.clone(), guest.subject.clone());
    drop(guest);
    core.retire(&home, &subject);
}
