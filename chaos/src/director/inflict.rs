//! Doing what the plan says.

use std::time::Duration;

use tokenkeeper_emulator::{Endpoint, Fault as OfProvider};
use tokio::time::sleep;

use super::{link::Weather, plan::Fault, slot::Slot, sqlite, stage::Stage};
use crate::{
    BoxError,
    judge::{Span, Trouble},
    said::{Micros, Order, now},
};

/// How long a store may lose its answers if nobody asks.
const MUTE: Duration = Duration::from_millis(300);

/// Until a store that works again is found to work.
const RECOVERY: Micros = 500_000;

impl Stage {
    /// Does what the plan says, and returns when it is over.
    pub(super) async fn inflict(&self, fault: Fault) -> Result<(), BoxError> {
        let name = fault.name();
        let done = match fault {
            Fault::Kill { slot, aimed, pause } => self.kill(slot, aimed, pause).await?,
            Fault::Stop {
                slot,
                aimed,
                length,
            } => self.stop(slot, aimed, length).await?,
            Fault::Cut { slot, length } => self.weather(slot, Weather::Cut, length).await,
            Fault::Slow { slot, each, length } => {
                self.weather(slot, Weather::Slow(each), length).await
            }
            Fault::Hang { slot, length } => self.weather(slot, Weather::Hung, length).await,
            Fault::Mute { slot } => self.weather(slot, Weather::Mute, MUTE).await,
            Fault::Restart { gently, pause } => self.restart(gently, pause).await?,
            Fault::Lock { length } => {
                let trouble = self.trouble(None, "a locked file");
                let locked = sqlite::lock(&self.file, length).await?;
                self.over(trouble);
                locked
            }
            Fault::Clock { slot, ahead } => self.slots[slot].order(Order::Clock { ahead }),
            Fault::Disconnect { slot, account } => {
                self.slots[slot].order(Order::Disconnect { account })
            }
            Fault::Connect { slot, account } => self.slots[slot].order(Order::Connect { account }),
            Fault::Provider { before, delay } => {
                let fault = if before {
                    OfProvider::Delay(delay)
                } else {
                    OfProvider::DelayAnswer(delay)
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
            slot.redeems().await;
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
            self.slots[slot].redeems().await;
        }
        let mut others = self.working().iter().filter(|other| other.index != slot);
        // Somebody has to go on.
        Ok(others.any(Slot::works) && self.slots[slot].stop(&self.fleet, length).await?)
    }

    async fn weather(&self, slot: usize, weather: Weather, length: Duration) -> bool {
        let Some(link) = self.links.get(slot) else {
            return false;
        };
        let trouble = self.trouble(Some(slot), weather.name());
        link.set(weather);
        sleep(length).await;
        link.set(Weather::Fair);
        self.over(trouble);
        true
    }

    async fn restart(&self, gently: bool, pause: Duration) -> Result<bool, BoxError> {
        let Some(redis) = &self.redis else {
            return Ok(false);
        };
        // One after the other.
        let Ok(mut redis) = redis.try_lock() else {
            return Ok(false);
        };
        let trouble = self.trouble(None, "a restart of the store");
        redis.restart(gently, pause).await?;
        self.over(trouble);
        Ok(true)
    }

    /// Notes that a trouble begins.
    fn trouble(&self, slot: Option<usize>, what: &'static str) -> usize {
        let span = Span {
            from: now(),
            to: u64::MAX,
        };
        let mut evidence = self.fleet.evidence();
        evidence.troubles.push(Trouble { span, what, slot });
        evidence.troubles.len() - 1
    }

    fn over(&self, trouble: usize) {
        if let Some(trouble) = self.fleet.evidence().troubles.get_mut(trouble) {
            trouble.span.to = now() + RECOVERY;
        }
    }
}
