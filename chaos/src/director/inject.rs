//! Injection of the scheduled faults.

use std::time::Duration;

use tokenkeeper_emulator::{Endpoint, Fault as ProviderFault};
use tokio::time::sleep;

use super::{link::LinkState, schedule::Fault, slot::Slot, sqlite, testbed::Testbed};
use crate::{
    BoxError,
    judge::{Disturbance, Span},
    message::{Micros, Order, now},
};

/// How long the store's answers are lost if no request comes.
const MUTE: Duration = Duration::from_millis(300);

/// How long clients take to notice that the store works again.
const RECOVERY: Micros = 500_000;

impl Testbed {
    /// Injects a fault, and returns when it is over.
    pub(super) async fn inject(&self, fault: Fault) -> Result<(), BoxError> {
        let name = fault.name();
        let done = match fault {
            Fault::Kill { slot, aimed, pause } => self.kill(slot, aimed, pause).await?,
            Fault::Stop {
                slot,
                aimed,
                length,
            } => self.stop(slot, aimed, length).await?,
            Fault::Cut { slot, length } => self.disturb_link(slot, LinkState::Cut, length).await,
            Fault::Slow { slot, each, length } => {
                self.disturb_link(slot, LinkState::Slow(each), length).await
            }
            Fault::Hang { slot, length } => self.disturb_link(slot, LinkState::Hung, length).await,
            Fault::Mute { slot } => self.disturb_link(slot, LinkState::Mute, MUTE).await,
            Fault::Restart { gently, pause } => self.restart(gently, pause).await?,
            Fault::Lock { length } => {
                let disturbance = self.begin_disturbance(None, "a locked file");
                let locked = sqlite::lock(&self.file, length).await?;
                self.end_disturbance(disturbance);
                locked
            }
            Fault::Clock { slot, ahead } => self.slots[slot].order(Order::Clock { ahead }),
            Fault::Disconnect { slot, account } => {
                self.slots[slot].order(Order::Disconnect { account })
            }
            Fault::Connect { slot, account } => self.slots[slot].order(Order::Connect { account }),
            Fault::Provider { before, delay } => {
                let fault = if before {
                    ProviderFault::Delay(delay)
                } else {
                    ProviderFault::DelayAnswer(delay)
                };
                self.emulator.faults().clear(Endpoint::Token);
                self.emulator.faults().always(Endpoint::Token, fault);
                true
            }
        };
        if done {
            self.count(name);
        }
        Ok(())
    }

    async fn kill(&self, slot: usize, aimed: bool, pause: Duration) -> Result<bool, BoxError> {
        let slot = &self.slots[slot];
        if aimed {
            slot.wait_for_redemption().await;
        }
        let killed = slot.kill(&self.fleet).await?;
        if killed {
            sleep(pause).await;
            slot.start(&self.fleet, false)?;
        }
        Ok(killed)
    }

    async fn stop(&self, slot: usize, aimed: bool, length: Duration) -> Result<bool, BoxError> {
        if aimed {
            self.slots[slot].wait_for_redemption().await;
        }
        let mut others = self
            .worker_slots()
            .iter()
            .filter(|other| other.index != slot);
        // One worker keeps running.
        Ok(others.any(Slot::is_running) && self.slots[slot].stop(&self.fleet, length).await?)
    }

    async fn disturb_link(&self, slot: usize, state: LinkState, length: Duration) -> bool {
        let Some(link) = self.links.get(slot) else {
            return false;
        };
        let disturbance = self.begin_disturbance(Some(slot), state.name());
        link.set(state);
        sleep(length).await;
        link.set(LinkState::Normal);
        self.end_disturbance(disturbance);
        true
    }

    async fn restart(&self, gently: bool, pause: Duration) -> Result<bool, BoxError> {
        let Some(redis) = &self.redis else {
            return Ok(false);
        };
        // One restart at a time.
        let Ok(mut redis) = redis.try_lock() else {
            return Ok(false);
        };
        let disturbance = self.begin_disturbance(None, "a restart of the store");
        redis.restart(gently, pause).await?;
        self.end_disturbance(disturbance);
        Ok(true)
    }

    /// Records the start of a disturbance.
    fn begin_disturbance(&self, slot: Option<usize>, what: &'static str) -> usize {
        let span = Span {
            from: now(),
            to: u64::MAX,
        };
        let mut evidence = self.fleet.evidence();
        evidence.disturbances.push(Disturbance { span, what, slot });
        evidence.disturbances.len() - 1
    }

    fn end_disturbance(&self, disturbance: usize) {
        if let Some(disturbance) = self.fleet.evidence().disturbances.get_mut(disturbance) {
            disturbance.span.to = now() + RECOVERY;
        }
    }
}
