//! Tasks that change who is connected: a login, an adoption, a disconnect, and the revocations that these leave behind.

use std::sync::Arc;

use tokenkeeper_protocol::{AuthorizationCode, CodeVerifier, Grant};
use tokenkeeper_store::Version;

use super::{
    Core, Slot,
    driver::Driver,
    flight::{Flight, Landing, after},
};
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
        let known = slot.lock().newest();
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
        let known = slot.lock().newest();
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
        let known = slot.lock().newest();
        let before = known.as_ref().map(|stored| stored.version);
        let mut driver = Driver::new(&core, &slot);
        let end = driver
            .run(&mut Disconnect::new(slot.home.rules, known))
            .await;
        settle_disconnect(&core, &slot, &mut driver, end, before).await
    })
    .await
}

/// Finishes the revocation that a tombstone still asks for, behind everybody's back.
pub(crate) fn finish_revocation(core: &Arc<Core>, slot: &Arc<Slot>) {
    let pending = {
        let mut inner = slot.lock();
        let pending = inner.written().filter(asks_for_revocation);
        if pending.is_none() || inner.is_revoking() {
            return;
        }
        inner.rare().revoking = true;
        pending
    };
    let (core2, slot2) = (core.clone(), slot.clone());
    let revoking = Revoking(slot.clone());
    let started = core.spawn(async move {
        let before = pending.as_ref().map(|stored| stored.version);
        let mut driver = Driver::new(&core2, &slot2);
        let end = driver
            .run(&mut Disconnect::new(slot2.home.rules, pending))
            .await;
        drop(revoking);
        if let Err(error) = settle_disconnect(&core2, &slot2, &mut driver, end, before).await {
            tracing::warn!(account = %slot2.digest(), %error, "a revocation stays pending");
        }
    });
    if let Err(error) = started {
        tracing::warn!(account = %slot.digest(), %error, "a revocation stays pending");
    }
}

/// Lets another task finish the revocation when this one ends, however it ends.
struct Revoking(Arc<Slot>);

impl Drop for Revoking {
    fn drop(&mut self) {
        self.0.lock().over(|rare| rare.revoking = false);
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
    let landing = Landing::of(&flight);
    let runtime = core.spawn(async move {
        let result = task.await;
        landing.with(result);
    })?;
    flight.runs_on(&runtime);
    // A code cannot be exchanged again, so its caller has the patience of a whole attempt besides.
    let waited = core.options.wait.saturating_add(core.options.lease);
    match flight.wait(after(waited)).await {
        Some(result) => result,
        None => Err(Error::Timeout {
            account: slot.digest(),
            waited,
        }),
    }
}

async fn settle_login(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    driver: &mut Driver<'_>,
    end: LoginEnd<Held>,
) -> Result<(), Error> {
    let account = slot.digest();
    match end {
        LoginEnd::Connected { stored } => {
            slot.adopt(core, stored, true);
            slot.end_trial();
            core.emit(slot, EventKind::Connected);
            Ok(())
        }
        LoginEnd::Overtaken { stored, revoke } => {
            super::keep::take(core, slot, stored, true);
            core.emit(slot, EventKind::Superseded);
            if let Some(held) = revoke {
                driver.revoke(&held.tokens).await;
            }
            Err(Error::Superseded { account })
        }
        LoginEnd::Refused | LoginEnd::TooLate => Err(Error::Exchange {
            account,
            source: driver
                .exchange_error
                .take()
                .unwrap_or(ExchangeError::TooLate),
        }),
        LoginEnd::RevocationPending => Err(Error::RevocationPending { account }),
        LoginEnd::StoreFailed => Err(driver.store_failure()),
    }
}

async fn settle_disconnect(
    core: &Arc<Core>,
    slot: &Arc<Slot>,
    driver: &mut Driver<'_>,
    end: DisconnectEnd<Held>,
    before: Option<Version>,
) -> Result<(), Error> {
    let account = slot.digest();
    match end {
        DisconnectEnd::Ended {
            stored,
            revocation_pending,
        } => {
            let told = super::keep::take(core, slot, stored, true) || driver.disconnected;
            if before.is_none() && !told {
                core.emit(slot, EventKind::Disconnected);
            }
            // Memory may have held tokens that the tombstone did not know.
            super::keep::write_tombstone(core, slot).await?;
            if revocation_pending {
                core.emit(slot, EventKind::RevocationPending);
            }
            Ok(())
        }
        DisconnectEnd::Superseded { stored, revoke } => {
            slot.adopt(core, stored, true);
            if let Some(held) = revoke {
                driver.revoke(&held.tokens).await;
            }
            Err(Error::Superseded { account })
        }
        DisconnectEnd::NotConnected => {
            slot.forget(before);
            Err(Error::NotConnected { account })
        }
        DisconnectEnd::StoreFailed => Err(driver.store_failure()),
    }
}
