//! The verdict on a run.

use std::collections::BTreeMap;

use crate::message::{Calls, Micros};

/// The verdict on a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) violations: Vec<Violation>,
    /// Repeated presentations, all within the rule.
    pub(crate) repeats: Vec<Repeat>,
    /// Token sets whose loss no client can prevent.
    pub(crate) losses: Vec<Loss>,
    /// The number of redeemed refresh tokens.
    pub(crate) refreshes: usize,
    pub(crate) logins: usize,
    pub(crate) disconnects: usize,
    pub(crate) calls: Calls,
    /// The number of accounts by final state.
    pub(crate) final_states: BTreeMap<&'static str, usize>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) account: Option<usize>,
    /// The time, if there is one.
    pub(crate) at: Option<Micros>,
    pub(crate) text: String,
    /// Whether it is a presentation outside the rule.
    pub(crate) presented: bool,
}

/// A repeated presentation within the rule.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) why: String,
}

/// A token set that the provider issued and that never reached the store.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    pub(crate) account: Option<usize>,
    pub(crate) cause: Cause,
    pub(crate) worker: String,
    /// When the token was sent.
    pub(crate) at: Micros,
    /// When the process was killed, or gave up.
    pub(crate) over: Micros,
    /// The presentation as the emulator logs it; `None` for a code.
    pub(crate) presentation: Option<String>,
    pub(crate) afterwards: &'static str,
}

/// The cause of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The process was killed after it sent the request and before it read the answer.
    BeforeAnswer,
    /// The process was killed after it read the answer and before it wrote the tokens.
    BeforeWrite,
    /// As the first two, with the code of a login; the account keeps its previous tokens.
    Login,
    /// The provider's answer came after the deadline.
    Late,
    /// The answer came in time, but the machine did not let the process read it.
    Starved,
}

impl Cause {
    /// Returns whether the cause is rare enough to deserve a look.
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

    pub(crate) fn evidence(self) -> &'static str {
        match self {
            Self::BeforeAnswer => {
                "granted by the emulator (abandoned if the connection broke before its answer); \
                 the worker reported the request and no answer; SIGKILL"
            }
            Self::BeforeWrite => {
                "granted by the emulator; the worker reported the answer and no successful write; \
                 SIGKILL"
            }
            Self::Login => {
                "the worker reported the request with the code and no successful write; SIGKILL"
            }
            Self::Late => {
                "the emulator answered later than the deadline after the request, not counting the \
                 time that the worker was stopped"
            }
            Self::Starved => {
                "the emulator answered in time; the worker's thread that watches the clock did not \
                 run"
            }
        }
    }
}
