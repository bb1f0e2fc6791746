//! Performs the effects that the machines of the protocol ask for.

mod endpoint;
mod entry;
mod store;
mod watch;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokenkeeper_store::Version;

use super::{Core, Exchange, Slot, flight::Flight, keep, slot::AtRisk};
use crate::{
    Error, EventKind,
    error::ExchangeError,
    machine::{Context, Effect, Input, Machine, Step, Stored},
    record::{Health, Held, Record},
};

/// Drives one machine for one account.
pub(crate) struct Driver<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) slot: &'a Arc<Slot>,
    /// Whose waiters may have an answer before it is written.
    flight: Option<&'a Flight>,
    /// The code, where the exchange is not a refresh.
    exchange: Option<&'a Exchange>,
    /// Why the last call to the store failed.
    pub(crate) store_error: Option<Error>,
    /// Why the last token request brought nothing.
    pub(crate) exchange_error: Option<ExchangeError>,
    /// The store has answered at least once.
    pub(crate) heard: bool,
    behind: bool,
    /// There are tokens, or there may be, that are not in the store.
    risk: Option<AtRisk>,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(core: &'a Arc<Core>, slot: &'a Arc<Slot>) -> Self {
        Self {
            core,
            slot,
            flight: None,
            exchange: None,
            store_error: None,
            exchange_error: None,
            heard: false,
            behind: false,
            risk: None,
        }
    }

    pub(crate) fn for_flight(mut self, flight: &'a Flight) -> Self {
        self.flight = Some(flight);
        self
    }

    pub(crate) fn for_exchange(mut self, exchange: &'a Exchange) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// Runs a machine to its end.
    pub(crate) async fn run<M: Machine<Held>>(&mut self, machine: &mut M) -> M::End {
        let mut input = Input::Start;
        loop {
            let step = machine.step(input, &self.context());
            let effect = match step {
                Step::Do(effect) => effect,
                Step::End(end) => {
                    self.risk = None;
                    if self.behind {
                        self.core.emit(self.slot, EventKind::StoreCaughtUp);
                    }
                    return end;
                }
            };
            if matches!(&effect, Effect::Write { after, .. } if !after.is_zero()) {
                self.serve_in_hand(machine.in_hand());
            }
            if let Some(stored) = machine.ended() {
                super::login::ended(self.core, self.slot, stored.clone());
            }
            let tokens = machine.in_hand().and_then(Record::live);
            let at_risk = matches!(effect, Effect::Send(_))
                || tokens.is_some_and(|live| live.health == Health::Alive);
            self.risk = match self.risk.take() {
                risk @ Some(_) if at_risk => risk,
                _ => at_risk.then(|| AtRisk::enter(self.slot)),
            };
            input = self.perform(effect).await;
        }
    }

    /// The error of a machine that ended because the store failed.
    pub(crate) fn store_failure(&mut self) -> Error {
        self.store_error.take().unwrap_or(Error::ShutDown)
    }

    fn context(&self) -> Context {
        Context {
            wall: self.core.time.wall(),
            mono: self.core.time.monotonic(),
            id: self.core.random.number(),
            version: Version::random(),
            roll: self.core.random.roll(),
        }
    }

    /// An answer that the store does not take yet is served from memory meanwhile.
    fn serve_in_hand(&mut self, record: Option<&Record<Held>>) {
        let Some(record) = record.filter(|_| !self.behind) else {
            return;
        };
        self.behind = true;
        let stored = Stored {
            version: Version::random(),
            record: record.clone(),
        };
        if let Some(flight) = self.flight {
            flight.brings(&stored);
        }
        self.slot.adopt(self.core, stored, false);
        self.slot.presenting.store(false, Ordering::Release);
        self.core.emit(self.slot, EventKind::StoreBehind);
        if let (Some(flight), Some(live)) = (self.flight, record.live()) {
            flight.land(match &live.health {
                Health::Dead(cause) => Err(Error::ReauthorizationRequired {
                    account: self.slot.digest,
                    cause: cause.clone(),
                }),
                _ => Ok(()),
            });
        }
    }

    async fn perform(&mut self, effect: Effect<Held>) -> Input<Held> {
        match effect {
            Effect::Read => match self.read().await {
                Ok(found) => Input::Found(found),
                Err(error) => {
                    self.store_error = Some(error);
                    Input::ReadFailed
                }
            },
            Effect::Write { after, write } => {
                self.pause(after).await;
                Input::Wrote(self.write(&write).await)
            }
            Effect::Send(held) => Input::Answered(self.send(held).await),
            Effect::Watch { stored, lease } => self.watch(stored, lease).await,
            Effect::Revoke(held) => Input::Revoked(self.revoke(&held.tokens).await),
        }
    }

    /// Waits before a retry; a closing engine does not wait long.
    async fn pause(&self, after: Duration) {
        if after.is_zero() {
            return;
        }
        let after = if self.core.is_closing() {
            after.min(keep::HURRIED)
        } else {
            after
        };
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = self.core.hurry.notified() => {}
        }
    }
}
