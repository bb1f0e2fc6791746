//! What happens to an account.

use std::time::Duration;

use tokenkeeper_store::Version;

use crate::{
    operation::{Candidate, ChangeId, Operation, Timer},
    record::{Record, TokenVersion},
};

/// A fact, or the wish of a caller. Each is handed to [`Account::handle`](crate::Account::handle).
#[derive(Clone, Debug)]
pub enum Input<T> {
    /// A caller needs a token for a request.
    Wanted {
        /// The request could be sent a second time.
        replayable: bool,
    },
    /// A caller has waited for as long as it may.
    WaitedLong,
    /// A caller wants a new token, whatever the age of the present one.
    Refresh,
    /// The refresher looks after the account.
    Due {
        /// The store listed it as due: the pauses that were shared are over by its clock.
        listed: bool,
    },
    /// A caller wants memory to be compared with the store.
    Compare,
    /// The API rejected this token set.
    Rejected(TokenVersion),
    /// The API accepted a request with this token set, or rejected its token.
    Judged {
        /// Which token set.
        version: TokenVersion,
        /// It was accepted.
        accepted: bool,
    },
    /// A login was approved: its code is to be exchanged.
    Login(ChangeId),
    /// The application brings its own tokens.
    Adopt(ChangeId, T),
    /// The account is to be disconnected.
    Disconnect(ChangeId),
    /// The store answered a read.
    Read(StoreAnswer<T>),
    /// The store answered a write.
    Wrote(Outcome<T>),
    /// The token endpoint answered the request of this operation, or did not.
    Answered(Candidate, Answer<T>),
    /// A revocation ended.
    Revoked(Revoked),
    /// A timer that the account asked for has fired.
    Elapsed(Timer),
    /// The store tells of a change.
    Changed {
        /// The new version, where the store says it.
        version: Option<Version>,
        /// The account was used lately.
        in_use: bool,
    },
    /// The task that performed this died before it had a result.
    Died(Operation),
    /// The engine is closing: waits become short.
    Closing,
}

/// The store's answer to a read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreAnswer<T> {
    /// What it has.
    Found(Option<(Version, Record<T>)>),
    /// It failed, or what it has cannot be read.
    Failed {
        /// It did not answer in time.
        hung: bool,
    },
}

/// The store's answer to a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// It was written.
    Applied,
    /// Something else is there.
    Conflict(Option<(Version, Record<T>)>),
    /// It may have been written.
    Failed,
}

/// What the token endpoint said, as far as the protocol cares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer<T> {
    /// There are tokens.
    Tokens(T),
    /// Nothing was sent, or the server did not look at the token.
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
    /// The grant is refused for good.
    Terminal {
        /// The `error` code, where there was one.
        code: Option<String>,
    },
    /// Refused without a usable reason.
    Unexplained,
    /// The client is refused.
    Configuration,
}

/// What came of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// The provider confirmed it.
    Done,
    /// The provider refused it.
    Refused,
    /// The provider could not be reached.
    Unavailable,
}
