//! What the store tells of changes, by whatever process: known accounts are compared with it at once, and who watches another's
//! attempt looks again. It is a hint that saves waiting: everything also works by polling.

use std::{
    num::NonZeroU32,
    sync::{Arc, Weak, atomic::Ordering},
};

use futures_util::StreamExt as _;
use tokenkeeper_store::{Change, Version};
use tokio::runtime::Handle;

use super::{Core, Slot, keep};

/// The changes of one account that the store told of, as far as its reads and writes have not covered them.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    told: u32,
    /// No read or write has covered the last of them yet.
    pending: bool,
    /// What the store told of last, where it said it.
    newest: Option<Tag>,
    /// The last versions that were met here. To be told of these is no news: an attempt and its result may both still be on their way.
    met: [Option<Tag>; 2],
    /// Nobody uses the account just now; it is compared before its next use.
    pub(crate) before_use: bool,
}

/// A part of a version that tells it from others. It is there for every account, and a hint may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag(NonZeroU32);

impl Tag {
    fn of(version: Version) -> Self {
        let [.., a, b, c, d] = version.to_bytes();
        let tag = u32::from_be_bytes([a, b, c, d]);
        Self(NonZeroU32::new(tag).unwrap_or(NonZeroU32::MAX))
    }
}

impl Changes {
    /// To be taken before a call to the store, and given to [`cover`](Self::cover) after it.
    pub(crate) fn mark(&self) -> u32 {
        self.told
    }

    /// A call has shown what the store had after `mark`: the version, if there is a record.
    pub(crate) fn cover(&mut self, mark: u32, version: Option<Version>) {
        let mut covers = mark == self.told;
        if let Some(version) = version {
            self.meet(version);
            covers |= self.newest == Some(Tag::of(version));
        }
        if covers {
            self.pending = false;
            self.before_use = false;
        }
    }

    /// `version` is known here from now on, be it that it is only being written.
    pub(crate) fn meet(&mut self, version: Version) {
        let met = Some(Tag::of(version));
        if self.met[0] != met {
            self.met = [met, self.met[0]];
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.pending
    }

    /// The store tells of a change. Says whether it is news.
    fn tell(&mut self, version: Option<Version>) -> bool {
        let newest = version.map(Tag::of);
        if newest.is_some() && self.met.contains(&newest) {
            return false;
        }
        self.told = self.told.wrapping_add(1);
        self.pending = true;
        self.newest = newest;
        true
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
                let change = tokio::select! {
                    biased;
                    _ = gone.changed() => return,
                    change = changes.next() => change,
                };
                let (Some(change), Some(core)) = (change, listening.core.upgrade()) else {
                    break;
                };
                core.changed(&change);
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

    fn changed(self: &Arc<Self>, change: &Change) {
        let slot = self.known_slot(&change.key);
        if let Some(slot) = slot {
            slot.changed(self, change.version);
        }
    }
}

impl Slot {
    fn changed(self: &Arc<Self>, core: &Arc<Core>, version: Option<Version>) {
        let mut inner = self.lock();
        if !inner.changes.tell(version) {
            return;
        }
        // It has a new record, and can be reached.
        inner.over(|rare| rare.store_trouble = None);
        if inner.is_busy() {
            inner.tell();
        } else if inner.known.is_some() {
            let now = core.time.ticks();
            let in_use = now.since(self.used(now)) < core.options.revalidation * 2;
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
