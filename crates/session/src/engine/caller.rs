//! What callers do: take what is served, or wait for a flight.

use std::sync::{Arc, atomic::Ordering};

use tokio::{runtime::Handle, time::Instant};

use super::{
    Core, Slot,
    flight::{Flight, after},
    keep::{Purpose, failed, take_off},
    known::Known,
    served::Served,
    slot::Inner,
};
use crate::{Error, EventKind, StoreDown, clock::Ticks, source::Credential};

/// What a caller without a token to send has to do.
enum Plan {
    Serve(Credential),
    Wait(Arc<Flight>),
    Fail(Error),
}

impl Slot {
    /// The token to send now, if no waiting is needed.
    #[inline]
    pub(crate) fn cached(
        self: &Arc<Self>,
        core: &Arc<Core>,
        replayable: bool,
    ) -> Option<Credential> {
        let served = self.served.load();
        let served = self.serve(core, served.as_ref(), replayable)?;
        Some(Credential::of(served))
    }

    /// `served`, which is what is served now, if no waiting is needed.
    #[inline(always)]
    pub(crate) fn serve<'a>(
        self: &Arc<Self>,
        core: &Arc<Core>,
        served: Option<&'a Arc<Served>>,
        replayable: bool,
    ) -> Option<&'a Arc<Served>> {
        self.touch();
        let served = served?;
        let now = core.time.coarse_ticks();
        if now < served.fresh_until && (replayable || !self.presenting.load(Ordering::Acquire)) {
            return Some(served);
        }
        self.serve_stale(core, served, replayable).then_some(served)
    }

    /// Starts what has become due. Says whether the token is good until that is done.
    #[cold]
    fn serve_stale(
        self: &Arc<Self>,
        core: &Arc<Core>,
        served: &Arc<Served>,
        replayable: bool,
    ) -> bool {
        let now = core.time.ticks();
        if now >= served.expires_at || now >= served.overdue_at {
            return false;
        }
        let mut inner = self.lock();
        let purpose = if now >= served.stale_at {
            Some(Purpose::Refresh {
                wanted: Some(served.stamp),
                rejected: false,
            })
        } else if now >= served.revalidate_at {
            Some(Purpose::Validate)
        } else {
            None
        };
        if let Some(purpose) = purpose.filter(|_| !inner.is_busy())
            && inner.stamp() == Some(served.stamp)
        {
            // A flight that cannot start leaves the token as good as it is.
            let _ = take_off(core, self, &mut inner, purpose);
        }
        let dying =
            self.home.old_token_dies && inner.in_air().is_some_and(|flight| flight.refreshes);
        replayable || !dying
    }

    /// The token to send, waiting for a flight where one is needed. Cancel safe.
    pub(crate) async fn token(
        self: &Arc<Self>,
        core: &Arc<Core>,
        replayable: bool,
    ) -> Result<Credential, Error> {
        let until = after(core.options.wait);
        let mut last = None;
        // A flight may end in a truth that calls for another: a comparison that finds an expired token, a login that comes between.
        for _ in 0..4 {
            if let Some(credential) = self.cached(core, replayable) {
                return Ok(credential);
            }
            let flight = match self.plan(core, replayable, last.take()) {
                Plan::Serve(credential) => return Ok(credential),
                Plan::Fail(error) => return Err(error),
                Plan::Wait(flight) => flight,
            };
            let until = until.min(self.patience(core, until));
            match flight.wait(until).await {
                Some(Ok(())) => {
                    if let Some(credential) = self.brought_by(&flight) {
                        return Ok(credential);
                    }
                }
                Some(Err(error)) => last = Some(error),
                None => return self.out_of_patience(core),
            }
        }
        Err(last.unwrap_or_else(|| self.timeout(core)))
    }

    /// What a flight has just got from the token endpoint is served to those who waited for it, even if it says of itself that
    /// it has ended already: another refresh would bring no better one.
    fn brought_by(&self, flight: &Flight) -> Option<Credential> {
        let brought = flight.brought()?;
        let served = self.served.load();
        let served = served.as_ref()?;
        (served.stamp == brought).then(|| Credential::of(served))
    }

    /// Until when to wait: only briefly where there is a token that merely could not be compared with the store.
    fn patience(&self, core: &Core, until: Instant) -> Instant {
        let served = self.served.load();
        let now = core.time.ticks();
        match served.as_deref() {
            Some(served) if now < served.expires_at && now >= served.overdue_at => {
                until.min(after(core.options.validation_wait))
            }
            _ => until,
        }
    }

    fn out_of_patience(self: &Arc<Self>, core: &Arc<Core>) -> Result<Credential, Error> {
        let served = self.served.load();
        let now = core.time.ticks();
        let Some(served) = served.as_ref().filter(|s| now < s.expires_at) else {
            return Err(self.timeout(core));
        };
        if now >= served.overdue_at {
            if core.options.store_down == StoreDown::Refuse {
                return Err(self.timeout(core));
            }
            core.emit(self, EventKind::ServedUnvalidated);
        }
        Ok(Credential::of(served))
    }

    fn timeout(&self, core: &Core) -> Error {
        Error::Timeout {
            account: self.digest(),
            waited: core.options.wait,
        }
    }

    /// Decides under the lock. `last` is the error of the flight that this caller has just waited for.
    fn plan(self: &Arc<Self>, core: &Arc<Core>, replayable: bool, last: Option<Error>) -> Plan {
        let now = core.time.ticks();
        let mut inner = self.lock();
        if let Some(flight) = inner.in_air() {
            return Plan::Wait(flight);
        }
        if let Some(error) = last {
            return self.after_failure(core, now, error);
        }
        let overdue = now >= inner.validated.after(core.options.revalidation);
        if overdue || inner.changes.before_use || inner.known.is_none() {
            if inner.is_busy() {
                return Plan::Fail(self.unwritten(&inner));
            }
            if let Some(trouble) = inner.store_trouble().filter(|t| now < t.until) {
                return self.after_failure(core, now, trouble.error.clone());
            }
            return self.wait_for_flight(core, &mut inner, Purpose::Validate);
        }
        let Some(live) = inner.live() else {
            return Plan::Fail(self.without_tokens(&inner));
        };
        if let Some(error) = inner.unattachable() {
            return Plan::Fail(Error::clone(error));
        }
        let stamp = live.stamp();
        if !inner.expired(now)
            && let Some(served) = self.served.load().as_ref()
            && (replayable || !self.presenting.load(Ordering::Acquire))
        {
            return Plan::Serve(Credential::of(served));
        }
        if let Some(failure) = live.obstacle(&self.home.rules, core.time.wall()) {
            return Plan::Fail(failed(core, self, failure, None));
        }
        if inner.is_busy() {
            return Plan::Fail(self.unwritten(&inner));
        }
        self.wait_for_flight(
            core,
            &mut inner,
            Purpose::Refresh {
                wanted: Some(stamp),
                rejected: false,
            },
        )
    }

    fn wait_for_flight(
        self: &Arc<Self>,
        core: &Arc<Core>,
        inner: &mut Inner,
        purpose: Purpose,
    ) -> Plan {
        match take_off(core, self, inner, purpose) {
            Ok(flight) => Plan::Wait(flight),
            Err(error) => Plan::Fail(error),
        }
    }

    /// A flight failed: a token that is still good is served all the same.
    fn after_failure(self: &Arc<Self>, core: &Arc<Core>, now: Ticks, error: Error) -> Plan {
        let served = self.served.load();
        let refuse = core.options.store_down == StoreDown::Refuse;
        match served.as_ref() {
            Some(served) if now < served.expires_at && (now < served.overdue_at || !refuse) => {
                Plan::Serve(Credential::of(served))
            }
            _ => Plan::Fail(error),
        }
    }

    /// The newest tokens are not in the store yet: a refresh of them could not be written either.
    fn unwritten(&self, inner: &Inner) -> Error {
        match inner.store_trouble() {
            Some(trouble) => trouble.error.clone(),
            None => Error::Timeout {
                account: self.digest(),
                waited: std::time::Duration::ZERO,
            },
        }
    }

    pub(super) fn without_tokens(&self, inner: &Inner) -> Error {
        let account = self.digest();
        match inner.known.as_ref().and_then(Known::tombstone) {
            Some(_) => Error::Disconnected { account },
            _ => Error::NotConnected { account },
        }
    }

    /// Replaces the newest token now, sharing a refresh that is under way. Cancel safe.
    pub(crate) async fn refresh(self: &Arc<Self>, core: &Arc<Core>) -> Result<(), Error> {
        let until = after(core.options.wait);
        loop {
            let (flight, shared) = {
                let mut inner = self.lock();
                match inner.in_air() {
                    Some(flight) => (flight, true),
                    None if inner.is_busy() => return Err(self.unwritten(&inner)),
                    None => {
                        let purpose = Purpose::Refresh {
                            wanted: inner.stamp(),
                            rejected: false,
                        };
                        (take_off(core, self, &mut inner, purpose)?, false)
                    }
                }
            };
            match flight.wait(until).await {
                Some(result) if flight.refreshes => return result,
                Some(_) if shared => {}
                Some(result) => return result,
                None => {
                    return Err(Error::Timeout {
                        account: self.digest(),
                        waited: core.options.wait,
                    });
                }
            }
        }
    }

    /// Brings memory up to what the store has.
    pub(crate) async fn compare(self: &Arc<Self>, core: &Arc<Core>) -> Result<(), Error> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        // The account may have been found where there was no runtime.
        core.start_sweeping(&runtime);
        match super::keep::validate(core, self).await {
            Err(Error::NotConnected { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
