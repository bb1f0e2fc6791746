//! What is in memory is a cache: accounts that nobody has used for a while are dropped from it.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{Core, Slot};
use crate::clock::Ticks;

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
        for (key, slot) in &slots {
            if !slot.is_idle(now, self.options.idle) {
                continue;
            }
            slot.forget();
            // First the flag, then the count: a finder counts itself first and then looks at the flag.
            slot.retired.store(true, Ordering::SeqCst);
            if Arc::strong_count(slot) == 1 {
                slots.remove(key);
            } else {
                slot.retired.store(false, Ordering::SeqCst);
            }
        }
    }
}

impl Slot {
    fn is_idle(&self, now: Ticks, idle: Duration) -> bool {
        let used = Ticks(self.used.load(Ordering::Relaxed));
        if now.since(used) < idle {
            return false;
        }
        let inner = self.lock();
        inner.flight.is_none() && inner.known.as_ref().is_none_or(|known| known.written)
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
