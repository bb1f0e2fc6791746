//! The flight that keeps an account: a comparison with the store, a refresh, or both.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use super::{Core, Slot, driver::Driver, flight::Flight};
use crate::{
    Error, EventKind, StoreDown,
    error::ExchangeError,
    machine::{Failure, Refresh, RefreshEnd, RefreshOutcome, Validate, ValidateEnd},
    record::{Held, State},
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
    let mut landing = Landing {
        slot: slot.clone(),
        flight: flight.clone(),
        result: Err(Error::Aborted),
    };
    let (core2, slot2) = (core.clone(), slot.clone());
    core.spawn(slot, async move {
        let result = fly(&core2, &slot2, &landing.flight, purpose).await;
        landing.result = result;
        drop(landing);
    })?;
    inner.flight = Some(flight.clone());
    Ok(flight)
}

/// Ends the flight however its task ends: by its result, by a panic, or with its runtime.
struct Landing {
    slot: Arc<Slot>,
    flight: Arc<Flight>,
    result: Result<(), Error>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut inner = self.slot.lock();
        if inner
            .flight
            .as_ref()
            .is_some_and(|flight| Arc::ptr_eq(flight, &self.flight))
        {
            inner.flight = None;
        }
        drop(inner);
        self.flight
            .land(std::mem::replace(&mut self.result, Ok(())));
    }
}

#[tracing::instrument(level = "debug", skip_all, fields(account = %slot.digest, ?purpose))]
async fn fly(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    flight: &Flight,
    purpose: Purpose,
) -> Result<(), Error> {
    if matches!(purpose, Purpose::Validate) || slot.lock().written().is_none() {
        validate(core, slot).await?;
    }
    let (known, stamp, expired, released) = {
        let inner = slot.lock();
        let expired = inner.expired(core.time.ticks());
        (
            inner.written(),
            inner.stamp(),
            expired,
            inner.released.clone(),
        )
    };
    let (wanted, rejected) = match purpose {
        Purpose::Validate if expired && stamp.is_some() => (stamp, false),
        Purpose::Validate => return Ok(()),
        Purpose::Refresh { wanted, rejected } => (wanted, rejected),
    };
    if wanted.is_some() && wanted != stamp {
        return Ok(());
    }
    let mut driver = Driver::new(core, slot).for_flight(flight);
    let mut machine = Refresh::new(slot.home.rules, known, wanted, released);
    let end = driver.run(&mut machine).await;
    settle(core, slot, &mut driver, end, rejected).await
}

/// Compares memory with the store, and takes over what is newer there.
pub(crate) async fn validate(core: &Arc<Core>, slot: &Arc<Slot>) -> Result<(), Error> {
    let known = slot.lock().written();
    let mut driver = Driver::new(core, slot);
    let before = known.as_ref().map(|stored| stored.version);
    match driver.run(&mut Validate::new(known)).await {
        ValidateEnd::Stands { stored, restored } => {
            if restored {
                core.emit(slot, EventKind::StoreRestored);
            }
            let ended = matches!(&stored.record.state, State::Ended(_));
            let news = before.is_some() && before != Some(stored.version);
            slot.adopt(core, stored, true);
            if ended {
                if news {
                    core.emit(slot, EventKind::Disconnected);
                }
                super::login::finish_revocation(core, slot);
            }
            Ok(())
        }
        ValidateEnd::NotConnected => {
            slot.forget();
            Err(Error::NotConnected {
                account: slot.digest,
            })
        }
        ValidateEnd::StoreFailed => {
            if slot.served.load().is_some() && core.options.store_down == StoreDown::Serve {
                core.emit(slot, EventKind::ServedUnvalidated);
            }
            Err(driver.store_failure())
        }
    }
}

/// Takes the end of a refresh into memory and says it to those who wait.
async fn settle(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    driver: &mut Driver<'_>,
    end: RefreshEnd<Held>,
    rejected: bool,
) -> Result<(), Error> {
    let account = slot.digest;
    if end.restored {
        core.emit(slot, EventKind::StoreRestored);
    }
    let generation = end
        .stored
        .as_ref()
        .and_then(|s| Some(s.record.live()?.stamp()));
    if matches!(end.outcome, RefreshOutcome::NotConnected) {
        slot.forget();
    }
    if let Some(stored) = end.stored {
        slot.adopt(core, stored, true);
    }
    slot.lock().released = end.released;
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
        RefreshOutcome::StoreFailed => Err(driver.store_failure()),
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
    let account = slot.digest;
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
