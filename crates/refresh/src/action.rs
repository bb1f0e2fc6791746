//! What an account wants done.

use std::{sync::Arc, time::Duration};

use tokenkeeper_store::Version;

use crate::{
    instant::{EngineInstant, WallMillis},
    operation::{Candidate, ChangeId, Timer},
    record::{Cause, Record, TokenVersion},
};

/// All that follows from one input: an answer for the caller that brought it, and what the engine
/// does next, in this order.
#[derive(Clone, Debug)]
pub struct Actions<T> {
    /// For the caller, where the input came from one.
    pub reply: Option<Reply>,
    /// To be performed.
    pub list: Vec<Action<T>>,
}

impl<T> Default for Actions<T> {
    fn default() -> Self {
        Self {
            reply: None,
            list: Vec::new(),
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action<T> {
    /// Show this to requests from now on.
    Publish(Option<Publication<T>>),
    /// Write to the store. Answered by [`Input::Wrote`](crate::Input::Wrote).
    Write(Write<T>),
    /// Read the store. Answered by [`Input::Read`](crate::Input::Read).
    Read,
    /// Present the refresh token of these tokens, or the code of a login. Answered by
    /// [`Input::Answered`](crate::Input::Answered).
    Send {
        /// Whose request it is.
        candidate: Candidate,
        /// `None`: the code.
        payload: Option<T>,
    },
    /// Revoke these tokens. Answered by [`Input::Revoked`](crate::Input::Revoked).
    Revoke(T),
    /// Hand in [`Input::Elapsed`](crate::Input::Elapsed) after this time.
    WaitUntil(Timer, Duration),
    /// Tell those who wait in this queue.
    Resolve(Queue, Result<(), Failure>),
    /// Tell the application.
    Emit(Notice),
}

/// What requests read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publication<T> {
    /// The record with the token; it is [live](Record::live).
    pub record: Arc<Record<T>>,
    /// Until then a request takes the token and asks nothing.
    pub fresh_until: EngineInstant,
    /// A request that cannot be sent twice asks first: the token may die at any moment.
    pub replayable_only: bool,
    /// The token was obtained because of a rejection, and no response has accepted it yet.
    pub on_trial: bool,
}

/// A write from one version to the next. A repeat draws another version and expects the same one,
/// so at most one of them can apply; if an earlier one did, the conflict shows its attempt or its
/// tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write<T> {
    /// The version that it makes.
    pub version: Version,
    /// What the store must have; `None`: nothing.
    pub expected: Option<Version>,
    /// `None` removes the record.
    pub record: Option<Arc<Record<T>>>,
}

/// Who waits, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// A comparison with the store.
    Comparison,
    /// The refresh job.
    Refresh,
    /// A change.
    Change(ChangeId),
}

/// What a caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Send the published token.
    Serve,
    /// Wait in this queue, then ask again.
    Wait {
        /// Where.
        queue: Queue,
        /// There is a token that merely could not be compared with the store: wait briefly.
        briefly: bool,
    },
    /// The rejected token was an old one: ask for the current one.
    Current,
    /// There is nothing better than the response that came.
    HeldOff,
    /// There is no token.
    Fail(Failure),
}

/// Why something came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// There is no login.
    NotConnected,
    /// The account was disconnected.
    Disconnected,
    /// Only a new login helps.
    Reauthorize(Cause),
    /// The client is refused.
    Misconfigured,
    /// The token endpoint is asked again after this time.
    Backoff(Duration),
    /// The store failed, or its record cannot be read.
    Store,
    /// The store was too slow; nothing was sent.
    TooLate,
    /// A newer login or a disconnect came first.
    Superseded,
    /// The code of this login brought no tokens.
    Refused(ChangeId),
    /// An earlier disconnect could not be finished at the provider.
    RevocationPending,
    /// No result came within the caller's wait.
    Timeout,
    /// The engine is closing.
    Closing,
}

/// Something for the application to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A login was finished, or tokens were adopted.
    Connected,
    /// The account was disconnected, here or elsewhere.
    Disconnected,
    /// A login was overtaken.
    Superseded,
    /// There are new tokens.
    Refreshed(TokenVersion),
    /// A refresh failed for now.
    RefreshFailed(Duration),
    /// The person has to log in again.
    Reauthorize(Cause),
    /// The token endpoint refuses without a reason.
    RefusedWithoutReason(WallMillis),
    /// The token endpoint refuses the client.
    Misconfigured,
    /// New tokens could not be written yet.
    StoreBehind,
    /// They are written.
    StoreCaughtUp,
    /// The store had lost the record, or gone back in time; it was put back.
    StoreRestored,
    /// A token is served that could not be compared with the store.
    ServedUnvalidated,
    /// Rejections lead to no refresh for this long.
    RejectionsHeldOff(Duration),
    /// A revocation failed, and will be tried again.
    RevocationPending,
}
