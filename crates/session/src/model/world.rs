//! The state of the world: a store, a provider, some processes, what is on its way between them, and what is left to go wrong.

use super::{bounds::Budget, process::Proc, provider::Family};

pub(super) const PROCS: usize = 3;
pub(super) const SLOTS: usize = 2;
pub(super) const FAMILIES: usize = 4;

/// No such state is kept.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// A few numbers; records, machines and messages stand in the [tables](super::intern).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// What the store has; 0: nothing.
    pub(super) store: u32,
    /// What it had before the last write and the one before that, while a failover may still bring it back.
    pub(super) past: [u32; 2],
    pub(super) down: bool,
    /// A write whose sender has given it up, and which may land all the same.
    pub(super) stray: u32,
    pub(super) families: [Family; FAMILIES],
    pub(super) procs: [Proc; PROCS],
    pub(super) orphans: [Orphan; 2],
    /// The number of the newest authorization with a tombstone in the store so far, as far as that was not set back since.
    pub(super) ended: u8,
    pub(super) budget: Budget,
}

impl World {
    /// The same with its processes in a canonical order: which of them is which makes no difference.
    pub(super) fn sorted(&self) -> Self {
        let mut order: [usize; PROCS] = std::array::from_fn(|proc| proc);
        order.sort_by_key(|&proc| self.procs[proc].rank(self, proc));
        let mut sorted = *self;
        sorted.procs = order.map(|proc| self.procs[proc]);
        for family in &mut sorted.families {
            family.holders = permuted(family.holders, order);
            family.decided = family.decided.map(|mask| permuted(mask, order));
        }
        sorted
    }
}

fn permuted(mask: u8, order: [usize; PROCS]) -> u8 {
    (0..PROCS).fold(0, |new, place| new | (mask >> order[place] & 1) << place)
}

/// A presentation whose process was killed, until its lease is over.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Orphan {
    /// 0: none.
    pub(super) attempt: u8,
    pub(super) token: u8,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Begin {
        proc: usize,
        task: Begin,
    },
    /// A step of a task, undisturbed.
    Step {
        proc: usize,
        slot: usize,
    },
    /// A step of a task that goes wrong.
    Fault {
        proc: usize,
        slot: usize,
        fault: Fault,
    },
    /// A process is killed, and another takes its place.
    Crash {
        proc: usize,
    },
    StoreDown,
    StoreUp,
    /// A write that was given up lands.
    StrayLands,
    /// The store goes back by so many writes.
    Failover {
        writes: usize,
    },
    Wipe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Refresh,
    Validate,
    Login,
    /// The application brings tokens of its own.
    Adopt,
    Disconnect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request never arrives at the store, or at the provider.
    RequestLost,
    /// It arrives, and the answer does not.
    ReplyLost,
    /// It arrives after the sender has given it up.
    RequestLate,
    /// The store's answer comes when the lease is all but over.
    ReplyLate,
    /// The provider answers that it cannot serve now.
    Transient,
    /// A watcher sees the lease end while the holder lives: it was paused.
    HolderPaused,
}
