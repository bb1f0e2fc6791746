//! The inputs of the account machine.

use std::time::Duration;

use tokenkeeper_store::Version;

use crate::{
    instant::EngineInstant,
    operation::{Candidate, ChangeId, Operation, Timer},
    record::{FailureClass, Flow, Record, TokenVersion},
};

/// A fact or a caller's request, handed to [`Account::handle`](crate::Account::handle).
#[derive(Clone, Debug)]
pub enum Input<T> {
    /// A caller needs a token for a request.
    Wanted {
        /// The request can be sent again if its token is rejected.
        replayable: bool,
    },
    /// A caller's wait has timed out.
    WaitedLong,
    /// A caller asks for a new token, however fresh the current one is.
    Refresh,
    /// A refresher visits the account.
    Due {
        /// The store listed it as due: shared pauses are over by the store's clock.
        listed: bool,
    },
    /// A caller asks to compare memory with the store.
    Compare,
    /// The API rejected this token set.
    Rejected(TokenVersion),
    /// The API accepted or rejected a request that carried this token set.
    Judged {
        /// The token set that the request carried.
        version: TokenVersion,
        /// Whether the API accepted it.
        accepted: bool,
    },
    /// A login was approved; the code of its flow can be exchanged.
    Login(ChangeId, Flow),
    /// A device waits for a person's decision; the device code of its flow can be polled with.
    DeviceLogin(ChangeId, Flow, Polling),
    /// The caller of this login by device code is gone. A poll in flight is awaited, and no other
    /// one follows.
    Abandon(ChangeId),
    /// The application hands over tokens that it obtained itself.
    Adopt(ChangeId, T),
    /// A caller disconnects the account.
    Disconnect(ChangeId),
    /// A caller wants nothing to be kept of the account, and nothing to be revoked.
    Forget(ChangeId),
    /// The store answered a read.
    Read(StoreAnswer<T>),
    /// The store answered a write.
    Wrote(Outcome<T>),
    /// A token request ended, with an answer or without one. The OAuth error code of an answer is
    /// for people.
    Answered(Candidate, Answer<T>, Option<String>),
    /// A revocation ended.
    Revoked(Revoked),
    /// A timer that the account armed has fired.
    Elapsed(Timer),
    /// The store notified of a change.
    Changed {
        /// The new version, if the store reports it.
        version: Option<Version>,
        /// The account was used recently.
        in_use: bool,
    },
    /// The store notified of every change for some time, and does so no more.
    Unwatched {
        /// When it did.
        watched: Watched,
        /// The account was used recently.
        in_use: bool,
    },
    /// The task that performed this operation died without a result.
    Died(Operation),
    /// The engine is closing, so waits become short.
    Closing,
}

/// The pauses of a login by device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Polling {
    /// The time until the first poll.
    pub first: Duration,
    /// The pause between two polls.
    pub interval: Duration,
}

/// The time during which the store notified of every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// When it began.
    pub since: EngineInstant,
    /// When it ended.
    pub until: EngineInstant,
}

/// The store's answer to a read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreAnswer<T> {
    /// The stored record and its version, or `None` if there is none.
    Found(Option<(Version, Record<T>)>),
    /// The read failed.
    Failed {
        /// The store did not answer in time.
        hung: bool,
    },
    /// The record at this version cannot be read.
    Unreadable(Version),
}

/// The store's answer to a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// The record was written.
    Applied,
    /// The store holds another version, or nothing.
    Conflict(Option<(Version, Record<T>)>),
    /// Nothing was written: the record at this version cannot be read.
    Unreadable(Version),
    /// The write failed; it may have been applied.
    Failed,
}

/// The token endpoint's answer, reduced to what the refresh protocol distinguishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer<T> {
    /// A new token set.
    Tokens(T),
    /// Nothing was sent, or the server did not evaluate the token.
    Transient {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// The server may have redeemed the token before it failed.
        may_have_redeemed: bool,
    },
    /// The connection was cut, or the answer cannot be read: the token may have been redeemed.
    Ambiguous,
    /// No answer came in time: the server may still be at work.
    TimedOut,
    /// The grant is refused permanently.
    Terminal {
        /// The `error` code, if the answer has one.
        code: Option<String>,
    },
    /// Refused without a usable reason.
    Unexplained,
    /// The client is refused.
    Configuration,
    /// The answer to a poll: the person has not decided yet.
    Pending {
        /// The polls come too fast.
        slow_down: bool,
    },
}

impl<T> Answer<T> {
    /// Returns the class of an answer without tokens.
    #[must_use]
    pub fn failure_class(&self) -> Option<FailureClass> {
        Some(match self {
            Self::Tokens(_) | Self::Pending { .. } => return None,
            Self::Transient { .. } => FailureClass::Transient,
            Self::Ambiguous | Self::TimedOut => FailureClass::Ambiguous,
            Self::Terminal { .. } => FailureClass::Terminal,
            Self::Unexplained => FailureClass::Unexplained,
            Self::Configuration => FailureClass::Configuration,
        })
    }
}

/// The outcome of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// The provider confirmed it.
    Done,
    /// The provider refused it.
    Refused,
    /// The provider could not be reached.
    Unavailable,
}
