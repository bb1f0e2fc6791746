//! What the judge says.

use std::collections::BTreeMap;

use crate::said::{Calls, Micros};

/// What became of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) violations: Vec<Violation>,
    /// Second and further presentations, all within the rule.
    pub(crate) repeats: Vec<Repeat>,
    /// Token sets that nobody could have saved.
    pub(crate) losses: Vec<Loss>,
    /// How many refresh tokens were redeemed.
    pub(crate) refreshes: usize,
    pub(crate) logins: usize,
    pub(crate) disconnects: usize,
    pub(crate) calls: Calls,
    /// Accounts by how they are in the end.
    pub(crate) ends: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) account: Option<usize>,
    /// When, where there is a moment.
    pub(crate) at: Option<Micros>,
    pub(crate) text: String,
    /// It is a presentation outside the rule.
    pub(crate) presented: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) why: String,
}

/// A token set that the provider issued, and that never reached the store.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    pub(crate) account: Option<usize>,
    pub(crate) cause: Cause,
    pub(crate) worker: String,
    /// When the token was sent.
    pub(crate) at: Micros,
    /// When the process was killed, or gave up.
    pub(crate) over: Micros,
    /// The emulator's own words on the presentation; a code has none.
    pub(crate) shown: Option<String>,
    pub(crate) afterwards: &'static str,
}

/// Why a token set was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The process was killed when the request was out, and the answer not yet read.
    BeforeAnswer,
    /// It was killed when the answer was read, and not yet written.
    BeforeWrite,
    /// As the first two, with the code of a login, whose account keeps what it had.
    Login,
    /// Nobody was killed: the provider's answer came after the deadline.
    Late,
    /// The answer came in time, but the machine did not let the process read it.
    Starved,
}

impl Cause {
    /// Whether this takes a rare coincidence, which is worth a look.
    pub(crate) fn is_rare(self) -> bool {
        matches!(self, Self::Late | Self::Starved)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BeforeAnswer => "killed while the answer was on its way",
            Self::BeforeWrite => "killed between answer and write",
            Self::Login => "killed in a login, between sending the code and the write",
            Self::Late => "the provider answered after the deadline",
            Self::Starved => "the machine did not let the process read the answer in time",
        }
    }

    pub(crate) fn shown_by(self) -> &'static str {
        match self {
            Self::BeforeAnswer => {
                "granted by the emulator (abandoned where the connection broke before its answer); the worker told of the sending and of no answer; SIGKILL"
            }
            Self::BeforeWrite => {
                "granted by the emulator; the worker told of the answer and of no write that was taken; SIGKILL"
            }
            Self::Login => {
                "the worker told of sending the code and of no write that was taken; SIGKILL"
            }
            Self::Late => {
                "the emulator's answer ended later than the deadline after the sending, the time that the worker was stopped not counted"
            }
            Self::Starved => {
                "the emulator's answer ended in time; a thread of the worker that does nothing but look at the clock was not run"
            }
        }
    }
}
