//! What the store tells of changes, by whatever process: known accounts are compared with it at once, and who watches another's
//! attempt looks again. It is a hint that saves waiting: everything also works by polling.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokenkeeper_store::Key;
use tokio::runtime::Handle;

use super::{Core, Slot, keep};
use crate::clock::Ticks;

/// The changes of one account that the store told of, as far as its reads and writes have not covered them.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    told: u64,
    covered: u64,
    /// Nobody uses the account just now; it is compared before its next use.
    pub(crate) before_use: bool,
    /// Writes of ours that the store has yet to tell us of, and when the last one was made.
    own: u32,
    own_at: Ticks,
}

/// After that long the store has told us of our own write, or never will.
const OWN_ARE_TOLD_WITHIN: Duration = Duration::from_secs(5);

impl Changes {
    /// To be taken before a call to the store, and given to [`cover`](Self::cover) after it.
    pub(crate) fn mark(&self) -> u64 {
        self.told
    }

    pub(crate) fn cover(&mut self, mark: u64) {
        self.covered = self.covered.max(mark);
        self.before_use &= self.is_pending();
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.told != self.covered
    }

    pub(crate) fn writing(&mut self, now: Ticks) {
        self.forget_own(now);
        self.own += 1;
        self.own_at = now;
    }

    pub(crate) fn not_written(&mut self) {
        self.own = self.own.saturating_sub(1);
    }

    /// The store tells of a change. Says whether it is another's.
    fn tell(&mut self, now: Ticks) -> bool {
        self.forget_own(now);
        if self.own > 0 {
            self.own -= 1;
            return false;
        }
        self.told += 1;
        true
    }

    fn forget_own(&mut self, now: Ticks) {
        if now.since(self.own_at) > OWN_ARE_TOLD_WITHIN {
            self.own = 0;
        }
    }
}

impl Core {
    /// Starts the one task that listens to the store, unless it runs or the store has nothing to tell.
    pub(crate) fn start_listening(self: &Arc<Self>, runtime: &Handle) {
        if self.listening.swap(true, Ordering::AcqRel) {
            return;
        }
        let listening = Listening {
            core: Arc::downgrade(self),
            again: true,
        };
        let mut gone = self.alive.subscribe();
        let pause = self.options.revalidation;
        runtime.spawn(async move {
            let stream = listening.core.upgrade().map(|core| core.store.watch());
            let Some(mut changes) = stream.flatten() else {
                return listening.for_good();
            };
            listening.set_hearing(true);
            loop {
                let key = tokio::select! {
                    biased;
                    _ = gone.changed() => return,
                    key = changes.next() => key,
                };
                let (Some(key), Some(core)) = (key, listening.core.upgrade()) else {
                    break;
                };
                core.changed(&key);
            }
            drop(changes);
            // Until a later flight listens again, who waits polls.
            listening.set_hearing(false);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = gone.changed() => {}
            }
        });
    }

    fn changed(self: &Arc<Self>, key: &Key) {
        let slot = self.slots.pin().get(key).cloned();
        if let Some(slot) = slot {
            slot.changed(self);
        }
    }
}

impl Slot {
    fn changed(self: &Arc<Self>, core: &Arc<Core>) {
        let now = core.time.ticks();
        let mut inner = self.lock();
        if !inner.changes.tell(now) {
            return;
        }
        if inner.is_busy() {
            self.told.notify_waiters();
        } else if inner.known.is_some() {
            let used = Ticks(self.used.load(Ordering::Relaxed));
            let in_use = now.since(used) < core.options.revalidation * 2;
            let looks =
                in_use && keep::take_off(core, self, &mut inner, keep::Purpose::Validate).is_ok();
            inner.changes.before_use = !looks;
        }
        self.publish(core, &mut inner);
    }
}

/// Lets a later flight listen again when this task ends, also with its runtime.
struct Listening {
    core: Weak<Core>,
    again: bool,
}

impl Listening {
    /// The store has nothing to tell, now or later.
    fn for_good(mut self) {
        self.again = false;
    }

    fn set_hearing(&self, hearing: bool) {
        if let Some(core) = self.core.upgrade() {
            core.hearing.store(hearing, Ordering::Release);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.set_hearing(false);
        if let Some(core) = self.core.upgrade().filter(|_| self.again) {
            core.listening.store(false, Ordering::Release);
        }
    }
}
