//! A process: a production account machine, and the operations that its engine performs.

use super::{Model, world::PROCS};

/// The slots for token requests of a process: the refresh job's, and those of two changes.
pub(crate) const SENDS: usize = 3;
/// The maximum number of concurrent changes.
pub(crate) const CHANGES: usize = SENDS - 1;

/// The volatile state of a process.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// 0: there is no such process.
    pub(crate) account: u32,
    /// The id of this incarnation.
    pub(crate) holder: u8,
    /// Operations in flight, as numbers of [`Pending`](super::pending::Pending); 0: none.
    pub(crate) write: u32,
    pub(crate) read: u32,
    pub(crate) sends: [u32; SENDS],
    /// The code of the token that is being revoked; 0: none.
    pub(crate) revoke: u8,
    /// The timers that may fire.
    pub(crate) timers: Timers,
    /// The waiting callers.
    pub(crate) waits: Waits,
    /// The attempt that its refresh job last wrote or is writing.
    pub(crate) claim: u8,
    /// The number of that claim among those of the token, as the store has seen them.
    pub(crate) count: u8,
    /// Whether the request of that claim was sent.
    pub(crate) sent: bool,
    /// The number of changes begun. Changes use their slots in turn.
    pub(crate) changes: u8,
    /// Whether other processes consider its lease expired.
    pub(crate) lapsed: bool,
    /// Whether it was paused for longer than the lease of a device code, which it has not renewed
    /// since.
    pub(crate) late: bool,
    /// Whether it is partitioned from the store.
    pub(crate) partitioned: bool,
    /// Whether the engine is closing.
    pub(crate) closing: bool,
    /// The code of the published token; 0: none.
    pub(crate) published: u8,
    /// The token set that the refresh job should replace: the authorization number and the
    /// generation.
    pub(crate) wanted: (u8, u8),
    /// The newest authorization, as number and id, whose tombstone the process has seen.
    pub(crate) seen_tombstone: (u8, u8),
    /// Whether a write was sent after the read in flight, whose result may be older.
    pub(crate) outdated: bool,
    /// The codes of the application's tokens, by change.
    pub(crate) adopts: [u8; CHANGES],
}

/// The armed timers of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    pub(crate) write: bool,
    pub(crate) renew: bool,
    pub(crate) poll: bool,
    pub(crate) revoke: bool,
    /// The next polls of logins by device code.
    pub(crate) device: [bool; CHANGES],
}

/// The callers that wait, by queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Waits {
    /// A caller waits for a comparison.
    pub(crate) comparison: bool,
    /// A caller waits for a comparison before it asks for a token again.
    pub(crate) token: bool,
    pub(crate) refresh: bool,
    pub(crate) changes: [bool; CHANGES],
}

impl Process {
    /// Returns whether nothing is in flight and no caller waits.
    pub(crate) fn is_quiescent(&self) -> bool {
        let device = self.timers.device != [false; CHANGES];
        let timers = self.timers.write || self.timers.poll || self.timers.revoke || device;
        self.write == 0
            && self.read == 0
            && self.sends == [0; SENDS]
            && self.revoke == 0
            && !timers
            && self.waits == Waits::default()
    }

    /// Returns whether it may still finish the attempt that it wrote last.
    pub(crate) fn holds(&self, holder: u8, attempt: u8) -> bool {
        let acts = self.write > 0 || self.sends[0] > 0 || self.timers.write;
        self.holder == holder && self.claim == attempt && attempt > 0 && !self.lapsed && acts
    }

    /// Returns whether it may still exchange the code of a login.
    pub(crate) fn holds_login(&self, holder: u8) -> bool {
        let polls = self.timers.device != [false; CHANGES];
        let acts = self.write > 0 || self.exchanges() || self.timers.write || polls;
        self.holder == holder && acts
    }

    /// Returns whether a code is at the token endpoint.
    pub(crate) fn exchanges(&self) -> bool {
        self.sends[1..] != [0; CHANGES]
    }

    /// Returns the numbers of all its messages.
    pub(crate) fn pending(&self) -> [u32; 2 + SENDS] {
        let [refresh, first, second] = self.sends;
        [self.write, self.read, refresh, first, second]
    }
}

/// Returns the numbers of the processes within the bounds.
pub(crate) fn procs(model: &Model) -> std::ops::Range<usize> {
    0..model.bounds.procs.min(PROCS)
}
