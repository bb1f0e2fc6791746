//! A process: an account as it is in production, and what the engine performs for it.

use super::{Model, world::PROCS};

/// The sends of a process: the refresh job's, and those of two changes.
pub(crate) const SENDS: usize = 3;
/// How many changes of an account a process has at once at most.
pub(crate) const CHANGES: usize = SENDS - 1;

/// What a crash loses.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Proc {
    /// 0: there is no such process.
    pub(crate) account: u32,
    /// The id of this incarnation.
    pub(crate) holder: u8,
    /// Operations in flight, as numbers of [`Pending`](super::pending::Pending); 0: none.
    pub(crate) write: u32,
    pub(crate) read: u32,
    pub(crate) sends: [u32; SENDS],
    /// The code of the token that is being revoked.
    pub(crate) revoke: u8,
    /// Timers that may fire.
    pub(crate) timers: Timers,
    /// Callers that wait.
    pub(crate) waits: Waits,
    /// The attempt that its refresh job wrote last, or tries to.
    pub(crate) claim: u8,
    /// Which claim of the token that is, as the store has seen them.
    pub(crate) count: u8,
    /// The request of that claim was sent.
    pub(crate) sent: bool,
    /// How many changes it has begun. They take turns with the places for changes.
    pub(crate) changes: u8,
    /// Its lease has ended, as others see it.
    pub(crate) lapsed: bool,
    /// It is cut off from the store.
    pub(crate) cut: bool,
    /// The engine is closing.
    pub(crate) closing: bool,
    /// The code of the token that is published.
    pub(crate) published: u8,
    /// The token set that the refresh job was to replace, as the number of its authorization and
    /// its generation.
    pub(crate) wanted: (u8, u8),
    /// The highest number of an authorization whose tombstone it was shown, and its id.
    pub(crate) knows_ended: (u8, u8),
    /// A write was sent after the read in flight, which may show less.
    pub(crate) outdated: bool,
    /// The codes of tokens that the application brought, by change.
    pub(crate) adopts: [u8; CHANGES],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    pub(crate) write: bool,
    pub(crate) renew: bool,
    pub(crate) poll: bool,
    pub(crate) revoke: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Waits {
    /// For a comparison, as such.
    pub(crate) comparison: bool,
    /// For a comparison, to ask for a token again.
    pub(crate) token: bool,
    pub(crate) refresh: bool,
    pub(crate) changes: [bool; CHANGES],
}

impl Proc {
    /// Nothing is in flight, and no caller waits.
    pub(crate) fn is_quiet(&self) -> bool {
        let timers = self.timers.write || self.timers.poll || self.timers.revoke;
        self.write == 0
            && self.read == 0
            && self.sends == [0; SENDS]
            && self.revoke == 0
            && !timers
            && self.waits == Waits::default()
    }

    /// It may still release the attempt that it wrote last.
    pub(crate) fn holds(&self, holder: u8, attempt: u8) -> bool {
        let acts = self.write > 0 || self.sends[0] > 0 || self.timers.write;
        self.holder == holder && self.claim == attempt && attempt > 0 && !self.lapsed && acts
    }

    /// All numbers of messages.
    pub(crate) fn pending(&self) -> [u32; 2 + SENDS] {
        let [refresh, first, second] = self.sends;
        [self.write, self.read, refresh, first, second]
    }
}

/// All processes but those beyond the bounds.
pub(crate) fn procs(model: &Model) -> std::ops::Range<usize> {
    0..model.bounds.procs.min(PROCS)
}
