//! What happens to accounts, for an application to watch.

use std::time::{Duration, SystemTime};

use tokenkeeper_refresh::Cause;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A login was finished, or tokens were adopted.
    Connected,
    /// The account was disconnected, here or elsewhere.
    Disconnected,
    /// A login of this process was overtaken by a newer one or by a disconnect before it was over
    /// here. Where its tokens were served from memory meanwhile, the call that brought them has
    /// returned already, as if all were well.
    Superseded,
    /// There is a new token set.
    Refreshed {
        /// Counts the token sets of this login.
        generation: u64,
    },
    /// A refresh failed for now.
    RefreshFailed {
        /// When the token endpoint is asked again.
        retry_after: Duration,
    },
    /// The person has to log in again.
    ReauthorizationRequired {
        /// Why.
        cause: Cause,
    },
    /// The token endpoint refuses without a reason that one could act on (an empty or unknown
    /// error, a page of HTML). It is asked again with growing pauses, of an hour at most.
    RefusedWithoutReason {
        /// When the first such refusal came.
        since: SystemTime,
    },
    /// The token endpoint refuses the client; the tokens are kept. It is asked again with growing
    /// pauses, of an hour at most.
    Misconfigured,
    /// New tokens could not be written yet. They are served from memory and written as soon as the
    /// store allows.
    StoreBehind,
    /// What was behind is written.
    StoreCaughtUp,
    /// The store had lost the record, or gone back in time; it was put back from memory.
    StoreRestored,
    /// The store cannot be reached, and a token that could not be compared with it is served.
    ServedUnvalidated,
    /// The API rejected a fresh token too; rejections lead to no refresh for this long.
    RejectionsHeldOff {
        /// For how long.
        wait: Duration,
    },
    /// The API limits the rate.
    RateLimited {
        /// For how long, where the response said it.
        retry_after: Option<Duration>,
    },
    /// A disconnect could not be finished at the provider yet.
    RevocationPending,
}
