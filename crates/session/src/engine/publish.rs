//! Puts what is known where callers find it without a lock.

use std::sync::Arc;

use tokenkeeper_protocol::Attachment;

use super::{
    Core, Home, Slot,
    served::{Schedule, Served},
    slot::Inner,
};
use crate::{
    StoreDown,
    clock::Ticks,
    record::{Held, Live},
};

impl Slot {
    pub(crate) fn publish(&self, core: &Core, inner: &mut Inner) {
        let served = inner.served(core, &self.home);
        self.served.store(served.map(Arc::new));
    }
}

impl Inner {
    /// `None`: there is no token, or it cannot be attached.
    fn served(&mut self, core: &Core, home: &Home) -> Option<Served> {
        let live = self.live()?;
        let tokens = &live.tokens.tokens;
        if self.schedule == Schedule::default() {
            self.schedule = Schedule::new(tokens, &core.options, &core.time, core.random.roll());
        }
        match home.provider.attach(&tokens.access_token) {
            Ok(attachment) => {
                self.over(|rare| rare.unattachable = None);
                Some(self.timed(core, home, &live, attachment))
            }
            Err(error) => {
                self.rare().unattachable = Some(error.into());
                None
            }
        }
    }

    /// With the times at which something becomes due.
    fn timed(&self, core: &Core, home: &Home, live: &Live<Held>, attachment: Attachment) -> Served {
        let Schedule {
            mut stale_at,
            expires_at,
        } = self.schedule;
        if live.lasting_obstacle(&home.rules).is_some() {
            stale_at = Ticks::NEVER;
        }
        if let Some(until) = live.failures.put_off_until(core.time.wall()) {
            stale_at = stale_at.max(core.ticks_at(until));
        }
        let interval = core.options.revalidation;
        let mut revalidate_at = self.validated.after(interval);
        let mut overdue_at = self.validated.after(interval * 2);
        if self.changes.is_pending() {
            revalidate_at = Ticks::default();
        }
        if self.changes.before_use {
            overdue_at = Ticks::default();
        }
        if let Some(trouble) = self.store_trouble() {
            revalidate_at = revalidate_at.max(trouble.until);
            stale_at = stale_at.max(trouble.until);
            if core.options.store_down == StoreDown::Serve {
                // Not for ever: nobody may have asked since the store came back.
                overdue_at = overdue_at.max(trouble.until.after(interval));
            }
        }
        Served {
            attachment,
            stamp: live.stamp(),
            fresh_until: stale_at.min(revalidate_at).min(overdue_at).min(expires_at),
            stale_at,
            expires_at,
            revalidate_at,
            overdue_at,
        }
    }
}
