//! Tasks that change who is connected: a login, an adoption, a disconnect, and the revocations that these leave behind.

use std::sync::Arc;

use tokenkeeper_protocol::{AuthorizationCode, CodeVerifier, Grant};
use tokio::time::Instant;

use super::{Core, Slot, driver::Driver, flight::Flight};
use crate::{
    Error, EventKind,
    error::ExchangeError,
    machine::{Disconnect, DisconnectEnd, Login, LoginEnd, Stored},
    record::{Held, State, Terms},
};

/// A code that is to be exchanged, once.
pub(crate) struct Exchange {
    pub(crate) code: AuthorizationCode,
    pub(crate) verifier: Option<CodeVerifier>,
    pub(crate) terms: Terms,
}

impl Exchange {
    pub(crate) fn grant(&self) -> Grant<'_> {
        Grant::Code {
            code: &self.code,
            redirect_uri: &self.terms.redirect_uri,
            scope: self.terms.scope.as_deref(),
            verifier: self.verifier.as_ref(),
        }
    }
}

/// Exchanges a code. The exchange goes on if the caller stops waiting.
pub(crate) async fn exchange(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    exchange: Exchange,
) -> Result<(), Error> {
    detached(core, slot, |core, slot, flight| async move {
        let known = slot.lock().written();
        let mut machine = Login::exchange(slot.home.rules, known);
        let mut driver = Driver::new(&core, &slot)
            .for_flight(&flight)
            .for_exchange(&exchange);
        let end = driver.run(&mut machine).await;
        settle_login(&core, &slot, &mut driver, end).await
    })
    .await
}

/// Writes tokens that the application already has, under an authorization of their own.
pub(crate) async fn adopt(core: &Arc<Core>, slot: &Arc<Slot>, held: Held) -> Result<(), Error> {
    detached(core, slot, |core, slot, flight| async move {
        let known = slot.lock().written();
        let mut machine = Login::adopt(slot.home.rules, known, held);
        let mut driver = Driver::new(&core, &slot).for_flight(&flight);
        let end = driver.run(&mut machine).await;
        settle_login(&core, &slot, &mut driver, end).await
    })
    .await
}

/// Ends the account's login: a tombstone, then the revocation.
pub(crate) async fn disconnect(core: &Arc<Core>, slot: &Arc<Slot>) -> Result<(), Error> {
    detached(core, slot, |core, slot, _| async move {
        let known = slot.lock().written();
        let mut driver = Driver::new(&core, &slot);
        let end = driver
            .run(&mut Disconnect::new(slot.home.rules, known))
            .await;
        settle_disconnect(&core, &slot, &mut driver, end)
    })
    .await
}

/// Finishes the revocation that a tombstone still asks for, behind everybody's back.
pub(crate) fn finish_revocation(core: &Arc<Core>, slot: &Arc<Slot>) {
    let pending = {
        let mut inner = slot.lock();
        let pending = inner.written().filter(asks_for_revocation);
        if pending.is_none() || inner.revoking {
            return;
        }
        inner.revoking = true;
        pending
    };
    let (core2, slot2) = (core.clone(), slot.clone());
    let started = core.spawn(slot, async move {
        let mut driver = Driver::new(&core2, &slot2);
        let end = driver
            .run(&mut Disconnect::new(slot2.home.rules, pending))
            .await;
        slot2.lock().revoking = false;
        if let Err(error) = settle_disconnect(&core2, &slot2, &mut driver, end) {
            tracing::warn!(account = %slot2.digest, %error, "a revocation stays pending");
        }
    });
    if started.is_err() {
        slot.lock().revoking = false;
    }
}

fn asks_for_revocation(stored: &Stored<Held>) -> bool {
    matches!(&stored.record.state, State::Ended(tombstone) if tombstone.revoke.is_some())
}

/// Runs `work` in a task of its own and waits for its result; dropping the future only stops the waiting.
async fn detached<F>(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    work: impl FnOnce(Arc<Core>, Arc<Slot>, Arc<Flight>) -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let flight = Flight::new(true);
    let task = work(core.clone(), slot.clone(), flight.clone());
    let landing = Landing(flight.clone());
    core.spawn(slot, async move {
        let result = task.await;
        landing.0.land(result);
        drop(landing);
    })?;
    let until = Instant::now() + core.options.wait + core.options.lease;
    match flight.wait(until).await {
        Some(result) => result,
        None => Err(Error::Timeout {
            account: slot.digest,
            waited: core.options.wait + core.options.lease,
        }),
    }
}

/// Wakes who waits also where the task is dropped before its end.
struct Landing(Arc<Flight>);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.land(Err(Error::Aborted));
    }
}

async fn settle_login(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    driver: &mut Driver<'_>,
    end: LoginEnd<Held>,
) -> Result<(), Error> {
    let account = slot.digest;
    match end {
        LoginEnd::Connected { stored } => {
            slot.adopt(core, stored, true);
            slot.put_on_trial(None);
            core.emit(slot, EventKind::Connected);
            Ok(())
        }
        LoginEnd::Overtaken { stored, revoke } => {
            slot.adopt(core, stored, true);
            if let Some(held) = revoke {
                driver.revoke(&held.tokens).await;
            }
            Err(Error::Superseded { account })
        }
        LoginEnd::Refused => Err(Error::Exchange(
            driver
                .exchange_error
                .take()
                .unwrap_or(ExchangeError::TooLate),
        )),
        LoginEnd::TooLate => Err(Error::Exchange(ExchangeError::TooLate)),
        LoginEnd::RevocationPending => Err(Error::RevocationPending { account }),
        LoginEnd::StoreFailed => Err(driver.store_failure()),
    }
}

fn settle_disconnect(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    driver: &mut Driver<'_>,
    end: DisconnectEnd<Held>,
) -> Result<(), Error> {
    let account = slot.digest;
    match end {
        DisconnectEnd::Ended {
            stored,
            revocation_pending,
        } => {
            if slot.adopt(core, stored, true) {
                core.emit(slot, EventKind::Disconnected);
            }
            if revocation_pending {
                core.emit(slot, EventKind::RevocationPending);
            }
            Ok(())
        }
        DisconnectEnd::Superseded { stored } => {
            slot.adopt(core, stored, true);
            Err(Error::Superseded { account })
        }
        DisconnectEnd::NotConnected => {
            slot.forget();
            Err(Error::NotConnected { account })
        }
        DisconnectEnd::StoreFailed => Err(driver.store_failure()),
    }
}
