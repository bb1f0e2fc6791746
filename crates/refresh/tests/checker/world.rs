//! The state of the world: a store, a provider, some processes, what is in flight between them, and
//! what may still go wrong.

use super::{bounds::Budget, family::Family, process::Proc};

pub(crate) const PROCS: usize = 3;
pub(crate) const FAMILIES: usize = 4;

/// No such state is kept.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// A few numbers. Records, accounts and messages are in [tables](super::table).
#[derive(Clone, Copy)]
pub(crate) struct World {
    /// What the store has; 0: nothing.
    pub(crate) store: u32,
    /// What it had before the last write and the one before that, while a failover may still bring
    /// it back.
    pub(crate) past: [u32; 2],
    pub(crate) down: bool,
    /// A write that its process has given up, and which may still land.
    pub(crate) stray: u32,
    /// A request to the provider that its process has given up, and which may still be handled.
    pub(crate) late: u32,
    pub(crate) families: [Family; FAMILIES],
    pub(crate) procs: [Proc; PROCS],
    pub(crate) orphans: [Orphan; 2],
    /// The number of the newest authorization with a tombstone in the store so far, as far as the
    /// store was not set back since.
    pub(crate) ended: u8,
    /// The store was set back, or forgot a tombstone or a login that another had replaced: a login
    /// in flight or a pending revocation may be lost.
    pub(crate) set_back: bool,
    /// The wall clock.
    pub(crate) wall: u8,
    pub(crate) budget: Budget,
}

/// A presentation that its process no longer waits for, until its lease is over.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Orphan {
    /// 0: none.
    pub(crate) attempt: u8,
    pub(crate) token: u8,
    /// It was given up after a time-out; otherwise its process was killed.
    pub(crate) timed_out: bool,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A caller comes.
    Begin {
        proc: usize,
        call: Call,
    },
    /// An operation goes one step further.
    Step {
        proc: usize,
        op: Op,
    },
    /// An operation goes wrong.
    Fault {
        proc: usize,
        op: Op,
        fault: Fault,
    },
    /// A timer fires.
    Fire {
        proc: usize,
        timer: Fired,
    },
    /// A process that watches an attempt reads the store again.
    Poll {
        proc: usize,
        fault: Option<Fault>,
    },
    /// A process has watched an attempt for as long as its lease.
    Lapse {
        proc: usize,
        paused: bool,
    },
    /// A process is killed, and another takes its place.
    Crash {
        proc: usize,
    },
    /// An idle account is dropped from memory.
    Drop {
        proc: usize,
    },
    /// A process is cut off from the store.
    Cut {
        proc: usize,
    },
    /// It can reach the store again.
    Rejoin {
        proc: usize,
    },
    StoreDown,
    StoreUp,
    /// A write that was given up lands.
    StrayLands,
    /// A request that was given up is handled.
    LateHandled,
    /// The store goes back by this many writes.
    Failover {
        writes: usize,
    },
    Wipe,
    /// The tombstone in the store expires.
    Expire,
}

/// What a caller or the engine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Refresh,
    /// The store lists the account as due.
    List,
    /// It needs a token, and the one that is served has expired.
    Want,
    /// Its request cannot be sent twice.
    Once,
    /// The API rejected the token that is served.
    Reject,
    Compare,
    Login,
    /// The application brings its own tokens.
    Adopt,
    Disconnect,
    /// The store reports a change.
    Tell {
        in_use: bool,
    },
    Close,
}

/// What an engine performs for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Write,
    Read,
    /// A request to the token endpoint: 0 is the refresh job's, the others are those of changes.
    Send(usize),
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fired {
    Write,
    Renew,
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request never arrives at the store, or at the provider.
    RequestLost,
    /// It arrives, and the answer does not.
    ReplyLost,
    /// It arrives after its sender has given it up, because the connection was cut.
    RequestLate,
    /// The same after a time-out.
    TimedOut,
    /// The store's answer comes when the lease is nearly over.
    ReplyLate,
    /// The store's answer comes after other events of the process.
    ReplySlow,
    /// The provider answers that it cannot serve now.
    Transient,
    /// The provider refuses without a reason.
    Unexplained,
    /// The provider refuses the client.
    Configuration,
    /// The task dies; its process lives.
    Died,
}
