//! The flight that keeps an account: a comparison with the store, a refresh, or both.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use tokenkeeper_store::Version;

use super::{
    Core, Slot,
    driver::Driver,
    flight::{Flight, Landing},
    slot::Presenting,
};
use crate::{
    Error, EventKind, StoreDown,
    error::ExchangeError,
    machine::{Failure, Refresh, RefreshEnd, RefreshOutcome, Stored, Validate, ValidateEnd},
    record::Held,
    source::Stamp,
};

/// What a flight is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Compare memory with the store; refresh only what turns out to have expired.
    Validate,
    /// Replace this token set (`None`: whatever is there).
    Refresh {
        wanted: Option<Stamp>,
        /// The API rejected it.
        rejected: bool,
    },
}

/// Starts a flight. The caller holds the slot's lock and has seen that none is under way.
pub(crate) fn take_off(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    inner: &mut super::slot::Inner,
    purpose: Purpose,
) -> Result<Arc<Flight>, Error> {
    let flight = Flight::new(matches!(purpose, Purpose::Refresh { .. }));
    let landing = Landing::of(&flight);
    let (core2, slot2) = (core.clone(), slot.clone());
    let runtime = core.spawn(async move {
        let result = fly(&core2, &slot2, &landing.flight, purpose).await;
        let flight = landing.flight.clone();
        landing.with(result);
        slot2.dismiss(&flight);
    })?;
    flight.runs_on(&runtime);
    inner.flight = Some(flight.clone());
    Ok(flight)
}

#[tracing::instrument(level = "debug", skip_all, fields(account = %slot.digest(), ?purpose))]
async fn fly(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    flight: &Flight,
    purpose: Purpose,
) -> Result<(), Error> {
    let (written, ended) = {
        let inner = slot.lock();
        (inner.is_written(), inner.has_ended())
    };
    let refreshes = matches!(purpose, Purpose::Refresh { .. });
    if !refreshes || !written || ended {
        match validate(core, slot).await {
            // An end that is known holds also while nobody can say that it was undone.
            Err(Error::Store { .. }) if refreshes && ended => {}
            result => result?,
        }
    }
    let (known, stamp, expired, released) = {
        let inner = slot.lock();
        let expired = inner.expired(core.time.ticks());
        (inner.written(), inner.stamp(), expired, inner.released())
    };
    let (wanted, rejected) = match purpose {
        Purpose::Validate if expired && stamp.is_some() => (stamp, false),
        Purpose::Validate => return Ok(()),
        Purpose::Refresh { wanted, rejected } => (wanted, rejected),
    };
    if wanted.is_some() && wanted != stamp {
        return Ok(());
    }
    // Requests that cannot be replayed wait until the new token is there to be served, not only until it has arrived.
    let presenting = Presenting(slot);
    let before = known.as_ref().map(|stored| stored.version);
    let mut driver = Driver::new(core, slot).for_flight(flight);
    let mut machine = Refresh::new(slot.home.rules, known, wanted, released);
    let end = driver.run(&mut machine).await;
    if let (RefreshOutcome::Refreshed, Some(stored)) = (&end.outcome, &end.stored) {
        flight.brings(stored);
    }
    learn(&driver, &end, before);
    drop(presenting);
    settle(core, slot, &mut driver, end, rejected).await
}

/// Compares memory with the store, and takes over what is newer there.
pub(crate) async fn validate(core: &Arc<Core>, slot: &Arc<Slot>) -> Result<(), Error> {
    // Also what is not written, where the flight that was to write it ended with its runtime.
    let known = slot.lock().newest();
    let mut driver = Driver::new(core, slot);
    let before = known.as_ref().map(|stored| stored.version);
    let mut machine = Validate::new(slot.home.rules, known);
    match driver.run(&mut machine).await {
        ValidateEnd::Stands { stored, restored } => {
            if restored {
                core.emit(slot, EventKind::StoreRestored);
            }
            let ended = stored.record.is_ended();
            take(core, slot, stored, true);
            if ended {
                super::login::finish_revocation(core, slot);
            }
            Ok(())
        }
        ValidateEnd::NotConnected => {
            slot.forget(before);
            Err(Error::NotConnected {
                account: slot.digest(),
            })
        }
        ValidateEnd::StoreFailed => {
            served_unvalidated(core, slot);
            Err(driver.store_failure())
        }
    }
}

/// Takes a record into memory. Says whether that ended a connection, which an event has told then.
pub(super) fn take(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    stored: Stored<Held>,
    written: bool,
) -> bool {
    let ends = slot.adopt(core, stored, written);
    if ends {
        core.emit(slot, EventKind::Disconnected);
    }
    ends
}

/// The store failed: says so, if what is in memory is served all the same.
fn served_unvalidated(core: &Arc<Core>, slot: &Arc<Slot>) {
    if slot.served.load().is_some() && core.options.store_down == StoreDown::Serve {
        core.emit(slot, EventKind::ServedUnvalidated);
    }
}

/// Writes a tombstone that took tokens in when memory met it, and has them revoked.
pub(crate) async fn write_tombstone(core: &Arc<Core>, slot: &Arc<Slot>) -> Result<(), Error> {
    if slot.is_ended() && slot.lock().is_unwritten() {
        validate(core, slot).await?;
    }
    Ok(())
}

/// Writes what is only in memory, however long it takes. Cancel safe.
pub(crate) async fn flush(core: &Arc<Core>, slot: &Arc<Slot>) {
    while slot.lock().is_unwritten() {
        if validate(core, slot).await.is_err() {
            tokio::time::sleep(core.options.store_retry.min(HURRIED)).await;
        }
    }
}

/// Between the retries of a closing engine.
pub(crate) const HURRIED: Duration = Duration::from_millis(50);

/// Takes the end of a refresh into memory.
fn learn(driver: &Driver<'_>, end: &RefreshEnd<Held>, before: Option<Version>) {
    let slot = driver.slot;
    if matches!(end.outcome, RefreshOutcome::NotConnected) {
        slot.forget(before);
    }
    // Where the store never answered, memory has not been compared with it.
    if let Some(stored) = end.stored.as_ref().filter(|_| driver.heard) {
        take(driver.core, slot, stored.clone(), true);
    }
    let mut inner = slot.lock();
    if end.released.is_empty() {
        inner.over(|rare| rare.released.clear());
    } else {
        inner.rare().released.clone_from(&end.released);
    }
}

/// Says the end of a refresh to those who wait.
async fn settle(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    driver: &mut Driver<'_>,
    end: RefreshEnd<Held>,
    rejected: bool,
) -> Result<(), Error> {
    let account = slot.digest();
    if end.restored {
        core.emit(slot, EventKind::StoreRestored);
    }
    let generation = end
        .stored
        .as_ref()
        .and_then(|s| Some(s.record.live()?.stamp()));
    // A disconnect may have come between, and a failover have lost it: the flight has told its callers by its outcome all the same.
    let _ = write_tombstone(core, slot).await;
    match end.outcome {
        RefreshOutcome::Refreshed => {
            if rejected {
                slot.put_on_trial(generation);
            }
            core.emit(
                slot,
                EventKind::Refreshed {
                    generation: generation.map_or(0, |stamp| stamp.generation),
                },
            );
            Ok(())
        }
        RefreshOutcome::Adopted => Ok(()),
        RefreshOutcome::NotConnected => Err(Error::NotConnected { account }),
        RefreshOutcome::StoreFailed => {
            served_unvalidated(core, slot);
            Err(driver.store_failure())
        }
        RefreshOutcome::Overtaken { revoke } => {
            if let Some(held) = revoke {
                driver.revoke(&held.tokens).await;
            }
            if slot.lock().live().is_some() {
                return Ok(());
            }
            super::login::finish_revocation(core, slot);
            Err(Error::Disconnected { account })
        }
        RefreshOutcome::Failed(failure) => {
            let error = failed(core, slot, failure, driver.exchange_error.take());
            core.emit(slot, event_of(&error));
            Err(error)
        }
    }
}

/// The error that a failure means for those who wait.
pub(crate) fn failed(
    core: &Core,
    slot: &Slot,
    failure: Failure,
    source: Option<ExchangeError>,
) -> Error {
    let account = slot.digest();
    match failure {
        Failure::Dead(cause) => Error::ReauthorizationRequired { account, cause },
        Failure::Misconfigured => Error::Configuration { account },
        Failure::Backoff(until) | Failure::Undecided(until) => {
            let until = UNIX_EPOCH + Duration::from_millis(until);
            let retry_after = until
                .duration_since(core.time.wall_time())
                .unwrap_or_default();
            Error::Unavailable {
                account,
                retry_after,
                source,
            }
        }
    }
}

fn event_of(error: &Error) -> EventKind {
    match error {
        Error::ReauthorizationRequired { cause, .. } => EventKind::ReauthorizationRequired {
            cause: cause.clone(),
        },
        Error::Configuration { .. } => EventKind::Misconfigured,
        Error::Unavailable { retry_after, .. } => EventKind::RefreshFailed {
            retry_after: *retry_after,
        },
        _ => EventKind::RefreshFailed {
            retry_after: Duration::ZERO,
        },
    }
}
