//! Messages between workers and director, a line of JSON each.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;

/// Microseconds since the Unix epoch by the machine's clock, which no fault moves.
pub(crate) type Micros = u64;

pub(crate) fn now() -> Micros {
    micros(SystemTime::now())
}

pub(crate) fn micros(at: SystemTime) -> Micros {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A line of a worker's output: an event and its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) at: Micros,
    #[serde(flatten)]
    pub(crate) event: WorkerEvent,
}

/// An event that a worker reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum WorkerEvent {
    /// The engine is built.
    Ready,
    /// A token request is sent, with this number in a header.
    RequestSent {
        send: u64,
        grant: Grant,
        token: Fingerprint,
    },
    /// A token request ended, with a status or without.
    RequestAnswered {
        send: u64,
        status: Option<u16>,
        issued: Option<Fingerprint>,
    },
    /// A write to the store ended.
    Put {
        account: usize,
        began: Micros,
        /// The version written; repeated attempts of one write share it.
        version: String,
        outcome: PutOutcome,
        /// The refresh tokens in the record.
        tokens: Vec<Fingerprint>,
        /// Whether the record says that the account needs a new login.
        dead: bool,
        /// Whether the record is a tombstone.
        tombstone: bool,
    },
    /// The user has approved, and the code is about to be exchanged.
    ///
    /// `op` numbers the logins and disconnects of this worker, since two of one account may
    /// overlap.
    LoginStarted {
        op: u64,
        account: usize,
        code: Fingerprint,
    },
    /// A login ended or failed.
    LoginFinished {
        op: u64,
        account: usize,
        error: Option<String>,
    },
    /// A disconnect begins.
    DisconnectStarted { op: u64, account: usize },
    /// A disconnect ended or failed.
    DisconnectFinished {
        op: u64,
        account: usize,
        error: Option<String>,
    },
    /// An event of the engine.
    Event { account: usize, event: String },
    /// A call failed because the account needs a new login.
    LoginRequired { account: usize, cause: String },
    /// This process did not run from `from` until now.
    Stalled { from: Micros },
    /// The callers' results since the last such event.
    Calls(Calls),
    /// The final state of an account, from the process that runs after all others.
    Audit { account: usize, end: FinalState },
    /// The engine was shut down.
    Shutdown { unwritten: Vec<usize> },
}

/// The kind of grant that a token request redeems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    Refresh,
    Code,
}

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PutOutcome {
    Applied,
    /// The store has another process's entry.
    Conflict,
    /// The store has an earlier attempt of the same write.
    Own,
    Failed,
}

/// Counts of callers' results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Tokens that callers asked for and got.
    pub(crate) tokens: u64,
    /// Tokens that callers asked for and did not get.
    pub(crate) failures: u64,
    /// API calls answered 200.
    pub(crate) served: u64,
    /// API calls answered 401 after all retries.
    pub(crate) rejected: u64,
    /// API calls with any other result.
    pub(crate) broken: u64,
}

/// The final state of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub(crate) enum FinalState {
    /// One more refresh succeeded, and the API accepted the new token.
    Works,
    NotConnected,
    Disconnected,
    /// It needs a new login.
    Lost {
        cause: String,
    },
    /// None of the other states.
    Stuck {
        why: String,
    },
}

/// An order to a worker, on its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Order {
    /// Moves its wall clock ahead by this many milliseconds.
    Clock {
        ahead: i64,
    },
    Connect {
        account: usize,
    },
    Disconnect {
        account: usize,
    },
    /// Stops the load, writes what is unwritten, and ends.
    Finish,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_round_trips() {
        let event = WorkerEvent::Audit {
            account: 3,
            end: FinalState::Lost {
                cause: "refresh response lost".into(),
            },
        };
        let line = Line {
            at: 5,
            event: event.clone(),
        };
        let text = serde_json::to_string(&line).unwrap();
        let back: Line = serde_json::from_str(&text).unwrap();
        assert_eq!((back.at, back.event), (5, event));
    }
}
