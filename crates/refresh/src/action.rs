//! The actions that the account machine asks for.

use std::{sync::Arc, time::Duration};

use tokenkeeper_store::Version;

use crate::{
    fact::Fact,
    id::Id,
    input::Revoked,
    instant::{EngineInstant, WallMillis},
    operation::{Candidate, ChangeId, Timer},
    record::{Cause, LastFailure, Record, TokenVersion},
};

/// The result of one input: a reply for the caller and a list of actions for the engine, in order.
#[derive(Clone, Debug)]
pub struct Actions<T> {
    /// The reply, if the input came from a caller.
    pub reply: Option<Reply>,
    /// The actions to perform, in order.
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

/// An action that the engine performs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action<T> {
    /// Serve this to requests from now on; `None`: there is nothing to serve.
    Publish(Option<Publication<T>>),
    /// Write to the store. Its result is [`Input::Wrote`](crate::Input::Wrote).
    Write(Write<T>),
    /// Read the store. Its result is [`Input::Read`](crate::Input::Read).
    Read,
    /// Present a refresh token, or the code of a login. Its result is
    /// [`Input::Answered`](crate::Input::Answered).
    Send {
        /// The job that the request belongs to.
        candidate: Candidate,
        /// The tokens whose refresh token is presented; `None`: present the code.
        payload: Option<T>,
    },
    /// Revoke these tokens. Its result is [`Input::Revoked`](crate::Input::Revoked).
    Revoke(T),
    /// Hand in [`Input::Elapsed`](crate::Input::Elapsed) after this time.
    WaitUntil(Timer, Duration),
    /// Wake the waiters in this queue with a result.
    Resolve(Queue, Result<(), Failure>),
    /// Report an event to the application.
    Emit(Notice),
    /// Record a fact in the audit trail.
    Audit(Fact),
}

/// What requests read without asking the machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publication<T> {
    /// The record with the token; always [live](Record::live).
    pub record: Arc<Record<T>>,
    /// Until then a request takes the token without asking the machine.
    pub fresh_until: EngineInstant,
    /// A request that cannot be replayed asks first: the token may be invalidated at any moment.
    pub replayable_only: bool,
    /// The token was obtained because of a rejection, and no response has accepted it yet.
    pub on_trial: bool,
}

/// A conditional write from one version to the next. A retry draws another version and expects the
/// same one, so at most one of them can apply; if an earlier one did, the conflict shows its
/// attempt or its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write<T> {
    /// The version that the write creates.
    pub version: Version,
    /// The version that the store must hold; `None`: no record.
    pub expected: Option<Version>,
    /// The record to write; `None` removes it.
    pub record: Option<Arc<Record<T>>>,
    /// The record is the mark of a forgotten account. It must not stay under the account's key, but
    /// be found by those that read it.
    pub forgets: bool,
    /// The record claims the code of this flow, since the account's record cannot be read. It is
    /// written under a key of the flow, and touches nothing else.
    pub claims: Option<Id>,
}

/// A queue of callers that wait for one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Waiters for a comparison with the store.
    Comparison,
    /// Waiters for the refresh job.
    Refresh,
    /// Waiters for a change.
    Change(ChangeId),
}

/// What a caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Send the published token.
    Serve,
    /// Wait in this queue, then ask again.
    Wait {
        /// The queue.
        queue: Queue,
        /// There is a valid token, not yet compared with the store: wait only briefly.
        briefly: bool,
    },
    /// The rejected token is outdated: ask for the current one.
    Current,
    /// Rejections are held off: pass the response through.
    HeldOff,
    /// No token is available.
    Fail(Failure),
}

/// Why a request or a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The account has no login.
    NotConnected,
    /// The account was disconnected.
    Disconnected,
    /// A new login is required.
    Reauthorize(Cause),
    /// The provider refuses the client.
    Misconfigured,
    /// A pause is running; the token endpoint is asked again after this time.
    Backoff(Duration),
    /// The store failed, or its record cannot be decoded.
    Store,
    /// The store was too slow to take a lease; nothing was sent.
    TooLate,
    /// A newer login or a disconnect took precedence.
    Superseded,
    /// The code of this login was not exchanged for tokens.
    Refused(ChangeId),
    /// The code of this flow was answered before.
    FlowUsed,
    /// The device code of this login has expired.
    FlowExpired,
    /// The tokens of an earlier disconnect could not be revoked.
    RevocationPending,
    /// The caller's wait timed out.
    Timeout,
    /// The engine is closing.
    Closing,
}

/// An event for the application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A login was finished, or tokens were adopted.
    Connected,
    /// The account was disconnected, here or elsewhere.
    Disconnected,
    /// The account was forgotten, here or elsewhere.
    Forgotten,
    /// A login lost to a newer login or a disconnect.
    Superseded,
    /// A refresh brought this token set.
    Refreshed(TokenVersion),
    /// A refresh failed; it is retried after this pause.
    RefreshFailed(Duration, Option<Reason>),
    /// The person must log in again.
    Reauthorize(Cause, Option<Reason>),
    /// A new login brought no refresh token, unlike the one before.
    NoRefreshToken,
    /// The token endpoint has refused without a reason since this time.
    RefusedWithoutReason(WallMillis, Option<Reason>),
    /// The token endpoint refuses the client.
    Misconfigured(Option<Reason>),
    /// New tokens could not be written yet.
    StoreBehind,
    /// The tokens that could not be written are written now.
    StoreCaughtUp,
    /// The store had lost the record or gone back in time; the record was restored.
    StoreRestored,
    /// A login replaced a record that could not be read.
    UnreadableReplaced,
    /// A token is served although it could not be compared with the store.
    ServedUnvalidated,
    /// Rejections start no refresh for this duration.
    RejectionsHeldOff(Duration),
    /// A revocation failed in this way and will be retried.
    RevocationPending(Revoked),
}

/// The failed refresh that an event is about. A record of an earlier version names none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The failure.
    pub failure: LastFailure,
    /// When it was noted, by the wall clock of its process.
    pub at: WallMillis,
}
