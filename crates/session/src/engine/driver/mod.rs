//! Performs the effects that the machines of the protocol ask for.

mod endpoint;
mod entry;
mod risk;
mod store;
mod watch;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokenkeeper_store::Version;

use self::risk::AtRisk;
use super::{Core, Exchange, Slot, flight::Flight, keep};
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
    /// What the machine has in hand is served from memory.
    behind: bool,
    /// An event has told that the account was disconnected.
    pub(crate) disconnected: bool,
    /// A tombstone that the machine has in hand is refused from memory.
    refused: bool,
    /// Something is known of the tokens, or may be, that is not in the store.
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
            disconnected: false,
            refused: false,
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
                    self.risk_is_over();
                    if self.behind {
                        self.core.emit(self.slot, EventKind::StoreCaughtUp);
                    }
                    return end;
                }
            };
            let waits = matches!(&effect, Effect::Write { after, .. } if !after.is_zero());
            if let Some(record) = machine.in_hand() {
                self.serve_in_hand(record, waits);
            }
            if let Some(stored) = machine.ended() {
                self.disconnected |= keep::take(self.core, self.slot, stored.clone(), true);
            }
            // Also that a token was refused: it would be presented again.
            let learned = machine.in_hand().filter(|record| record.live().is_some());
            if matches!(effect, Effect::Send(_)) || learned.is_some() {
                let in_hand = learned.filter(|_| !self.behind);
                self.risk
                    .get_or_insert_with(|| AtRisk::enter(self.core, self.slot))
                    .holds(in_hand.cloned());
            } else {
                self.risk_is_over();
            }
            input = self.perform(effect).await;
        }
    }

    fn risk_is_over(&mut self) {
        if let Some(risk) = self.risk.take() {
            risk.over();
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

    /// An answer that the store does not take yet is served from memory meanwhile. A tombstone that it met is refused from there at
    /// once, also where the answer is served already.
    fn serve_in_hand(&mut self, record: &Record<Held>, waits: bool) {
        let ends = record.is_ended() && !self.refused;
        if !ends && (!waits || self.behind) {
            return;
        }
        let stored = Stored {
            version: Version::random(),
            record: record.clone(),
        };
        if let Some(flight) = self.flight {
            flight.brings(&stored);
        }
        self.refused |= ends;
        self.disconnected |= keep::take(self.core, self.slot, stored, false);
        if !waits || std::mem::replace(&mut self.behind, true) {
            return;
        }
        self.slot.presenting.store(false, Ordering::Release);
        self.core.emit(self.slot, EventKind::StoreBehind);
        if let Some(flight) = self.flight {
            let account = self.slot.digest();
            flight.land(match record.live().map(|live| &live.health) {
                None => Err(Error::Disconnected { account }),
                Some(Health::Dead(cause)) => Err(Error::ReauthorizationRequired {
                    account,
                    cause: cause.clone(),
                }),
                Some(_) => Ok(()),
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
        // Made before the question, so that a closing that comes between is not missed.
        let hurry = self.core.hurry.notified();
        let after = if self.core.is_closing() {
            after.min(keep::HURRIED)
        } else {
            after
        };
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = hurry => {}
        }
    }
}
