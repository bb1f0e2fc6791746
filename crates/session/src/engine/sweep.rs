//! What is in memory is a cache: accounts that nobody has used for a while are dropped from it.

use std::{
    sync::{
        Arc, Weak,
        atomic::{Ordering, fence},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use super::{Core, Home, registry::Sought};

impl Core {
    /// Starts the one task that sweeps, unless it runs.
    pub(crate) fn start_sweeping(self: &Arc<Self>, runtime: &Handle) {
        if self.sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let sweeping = Sweeping(Arc::downgrade(self));
        let every = (self.options.idle / 4).max(Duration::from_secs(1));
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(core) = sweeping.0.upgrade() else {
                    return;
                };
                core.sweep();
            }
        });
    }

    /// Drops the contents of idle accounts, and the slots that nobody holds.
    pub(crate) fn sweep(&self) {
        let now = self.time.ticks();
        let slots = self.slots.pin();
        for slot in slots.values() {
            if !slot.drop_if_idle(now, self.options.idle) {
                continue;
            }
            self.retire(&slot.home, &slot.subject);
        }
    }

    /// Drops an emptied slot, unless somebody holds it.
    pub(crate) fn retire(&self, home: &Home, subject: &str) {
        let slots = self.slots.pin();
        let home = home.id;
        let sought = Sought { home, subject };
        let Some(slot) = slots.get(&sought) else {
            return;
        };
        // First the flag, then the count: a finder counts itself first and then looks at the flag. One drops it at a time: another would
        // take the flag back between the count and the removal.
        if slot.retired.swap(true, Ordering::SeqCst) {
            return;
        }
        fence(Ordering::SeqCst);
        if Arc::strong_count(slot) == 1 {
            slots.remove(&sought);
        } else {
            slot.retired.store(false, Ordering::SeqCst);
        }
    }
}

/// Lets another runtime start the sweep again when this one ends.
struct Sweeping(Weak<Core>);

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade() {
            core.sweeping.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests;
