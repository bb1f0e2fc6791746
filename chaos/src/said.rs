//! What workers and director say to each other, a line of JSON each.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::mark::Mark;

/// Microseconds since the Unix epoch by the machine's own clock, which all processes share and none of them jumps.
pub(crate) type Micros = u64;

pub(crate) fn now() -> Micros {
    micros(SystemTime::now())
}

pub(crate) fn micros(at: SystemTime) -> Micros {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A line of a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) at: Micros,
    #[serde(flatten)]
    pub(crate) said: Said,
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The engine stands.
    Ready,
    /// A token request leaves, with this number in a header.
    Sent { send: u64, grant: Grant, mark: Mark },
    /// It came back: with a status, or with none.
    Answered {
        send: u64,
        status: Option<u16>,
        gave: Option<Mark>,
    },
    /// The store was asked to write.
    Put {
        account: usize,
        began: Micros,
        /// Tells this write from others; tries of one write share it.
        version: String,
        outcome: PutOutcome,
        /// The refresh tokens in the record.
        carries: Vec<Mark>,
        /// The record says that the account needs a new login.
        dead: bool,
        /// The record is that of a disconnect.
        tombstone: bool,
    },
    /// A person has approved, and the code is about to be exchanged. `op` numbers what people do at this worker: an account may be
    /// logged in twice at once.
    Login { op: u64, account: usize, code: Mark },
    /// The login is over.
    LoginOver {
        op: u64,
        account: usize,
        error: Option<String>,
    },
    /// A disconnect begins.
    Ending { op: u64, account: usize },
    /// It is over.
    EndingOver {
        op: u64,
        account: usize,
        error: Option<String>,
    },
    /// The engine told of it.
    Event { account: usize, event: String },
    /// A caller was told that the account needs a new login.
    Refused { account: usize, cause: String },
    /// This process did not run for a while, until now.
    Stalled { from: Micros },
    /// What callers got since the last time.
    Calls(Calls),
    /// The last thing that is said of an account, by a process that came after all the others.
    Audit { account: usize, end: End },
    /// The engine was shut down.
    Shutdown { unwritten: Vec<usize> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    Refresh,
    Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PutOutcome {
    Applied,
    /// Somebody else's entry was there.
    Conflict,
    /// An earlier try of this very write was there.
    Own,
    Failed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Tokens that were asked for and had.
    pub(crate) tokens: u64,
    /// Tokens that could not be had.
    pub(crate) failures: u64,
    /// Calls of the API that were answered with 200.
    pub(crate) served: u64,
    /// Those answered with 401 in the end.
    pub(crate) rejected: u64,
    /// Those that brought anything else.
    pub(crate) broken: u64,
}

/// How an account is in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub(crate) enum End {
    /// It was refreshed once more, and the API took the new token.
    Works,
    NotConnected,
    Disconnected,
    /// It needs a new login.
    Lost {
        cause: String,
    },
    /// Neither.
    Stuck {
        why: String,
    },
}

/// What a worker is told, on its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Order {
    /// Its wall clock now shows this many milliseconds too much.
    Clock {
        ahead: i64,
    },
    Connect {
        account: usize,
    },
    Disconnect {
        account: usize,
    },
    /// Stop working, write what is unwritten, and end.
    Finish,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back() {
        let said = Said::Audit {
            account: 3,
            end: End::Lost {
                cause: "refresh response lost".into(),
            },
        };
        let line = Line {
            at: 5,
            said: said.clone(),
        };
        let text = serde_json::to_string(&line).unwrap();
        let back: Line = serde_json::from_str(&text).unwrap();
        assert_eq!((back.at, back.said), (5, said));
    }
}
