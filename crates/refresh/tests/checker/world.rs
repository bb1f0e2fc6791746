//! The state of the model: a store, a provider, some processes, the messages between them, and the
//! remaining budget.

use super::{bounds::Budget, family::Family, process::Process, properties::Residual};

/// The maximum number of processes.
pub(crate) const PROCS: usize = 3;
/// The maximum number of logins.
pub(crate) const FAMILIES: usize = 4;

/// An earlier state of the store that is not kept.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// A state of the model, as small numbers. Records, accounts and messages are in
/// [tables](super::table).
#[derive(Clone, Copy)]
pub(crate) struct World {
    /// The content of the store; 0: nothing.
    pub(crate) store: u32,
    /// The record in the store cannot be read.
    pub(crate) damaged: bool,
    /// The claim of a code under its flow's key; 0: none.
    pub(crate) claim: u32,
    /// The contents before the last two writes, while a failover may still restore them.
    pub(crate) past: [u32; 2],
    pub(crate) down: bool,
    /// A write that its process gave up on and that may still land; 0: none.
    pub(crate) late_write: u32,
    /// A request that its process gave up on and that the provider may still handle; 0: none.
    pub(crate) late_request: u32,
    pub(crate) families: [Family; FAMILIES],
    pub(crate) procs: [Process; PROCS],
    pub(crate) orphans: [Orphan; 2],
    pub(crate) code: Code,
    /// The number of the newest authorization that had a tombstone in the store since the last
    /// rollback.
    pub(crate) ended: u8,
    /// The store was rolled back, or forgot a tombstone or a replaced login, so a login in flight
    /// or a pending revocation may be lost.
    pub(crate) rolled_back: bool,
    /// The wall clock.
    pub(crate) wall: u8,
    pub(crate) budget: Budget,
}

/// The code of the first login, while its callback may arrive again.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Code {
    /// The id of its flow; 0: none.
    pub(crate) flow: u8,
    /// It is a device code, which is presented until the person has decided.
    pub(crate) device: bool,
    /// The provider has redeemed it.
    pub(crate) spent: bool,
    /// The living processes that received a decisive answer to it, one bit each.
    pub(crate) decided: u8,
    /// Why a second presentation is excused.
    pub(crate) excuse: Option<Residual>,
}

/// A presentation that its process no longer waits for, until its lease expires.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Orphan {
    /// The id of the attempt; 0: none.
    pub(crate) attempt: u8,
    pub(crate) token: u8,
    /// It timed out; otherwise its process was killed.
    pub(crate) timed_out: bool,
}

/// A transition of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A caller or the engine makes a call.
    Call {
        proc: usize,
        call: Call,
    },
    /// An operation advances by one step.
    Step {
        proc: usize,
        op: Op,
    },
    /// An operation has a fault.
    Fault {
        proc: usize,
        op: Op,
        fault: Fault,
    },
    /// A timer fires.
    Fire {
        proc: usize,
        timer: TimerKind,
    },
    /// A process that watches an attempt polls the store.
    Poll {
        proc: usize,
        fault: Option<Fault>,
    },
    /// A process has watched an attempt for its whole lease.
    Lapse {
        proc: usize,
        paused: bool,
    },
    /// A process is killed and replaced by a new one.
    Crash {
        proc: usize,
    },
    /// An idle account is dropped from memory.
    Drop {
        proc: usize,
    },
    /// A process is partitioned from the store.
    Partition {
        proc: usize,
    },
    /// The partition heals.
    Heal {
        proc: usize,
    },
    StoreDown,
    StoreUp,
    /// A late write lands.
    LateWriteLands,
    /// The provider handles a late request.
    LateRequestHandled,
    /// The store fails over to the state before this many writes.
    Failover {
        writes: usize,
    },
    Wipe,
    /// The record in the store can no longer be read.
    Damage,
    /// It can be read again.
    Repair,
    /// The tombstone in the store expires.
    Expire,
}

/// A call of a caller or of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Refresh,
    /// The store lists the account as due.
    Due,
    /// A caller needs a token, and the served one has expired.
    Want,
    /// A caller needs a token for a request that cannot be replayed.
    WantUnreplayable,
    /// The API rejected the served token.
    Reject,
    Compare,
    Login,
    /// The callback of the first login arrives again.
    Callback,
    /// A login by device code.
    Device,
    /// The caller of a login by device code goes away.
    Abandon,
    /// The application hands over its tokens.
    Adopt,
    Disconnect,
    /// A caller wants nothing to be kept of the account.
    Forget,
    /// The store notifies of a change.
    Notify {
        in_use: bool,
    },
    Close,
}

/// An operation that an engine performs for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Write,
    Read,
    /// A token request: slot 0 is the refresh job's, the others are those of changes.
    Send(usize),
    Revoke,
}

/// The kind of a timer that fires as an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerKind {
    Write,
    Renew,
    Revoke,
    /// The next poll of a login by device code.
    Device(usize),
}

/// A fault of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request is lost.
    RequestLost,
    /// The request arrives, and the answer is lost.
    ReplyLost,
    /// The connection is cut, and the request arrives after its sender gave up.
    RequestLate,
    /// The request times out and arrives after its sender gave up.
    TimedOut,
    /// The store's answer arrives when the lease has nearly expired.
    ReplyLate,
    /// The store's answer arrives after other events of the process.
    ReplySlow,
    /// The person has not decided yet, which is no fault.
    Pending,
    /// The provider is temporarily unavailable.
    Transient,
    /// The provider refuses without a reason.
    Unexplained,
    /// The provider refuses the client.
    Configuration,
    /// The task dies while its process lives.
    Died,
}
