//! What happens to accounts, for an application to watch.

use std::time::Duration;

use futures_core::Stream;
use tokio::sync::broadcast::Receiver;
use tokio_stream::{
    StreamExt as _,
    wrappers::{BroadcastStream, errors::BroadcastStreamRecvError},
};

use crate::{Account, record::Cause};

/// Something that happened to an account. `Debug` names the account by its digest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Whose account.
    pub account: Account,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A login was finished, or tokens were adopted.
    Connected,
    /// The account was disconnected, here or elsewhere.
    Disconnected,
    /// A login of this process was overtaken by a newer one or by a disconnect before it was over here. Where its tokens were served
    /// from memory meanwhile, the call that brought them has returned already, as if all were well.
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
    /// The token endpoint refuses the client; the tokens are kept.
    Misconfigured,
    /// New tokens could not be written yet. They are served from memory and written as soon as the store allows.
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

/// Events as they happen. A subscriber that falls far behind misses the oldest.
pub(crate) fn stream(receiver: Receiver<Event>) -> impl Stream<Item = Event> + Send + Unpin {
    BroadcastStream::new(receiver).filter_map(|event| {
        event
            .inspect_err(|BroadcastStreamRecvError::Lagged(missed)| {
                tracing::warn!(missed, "a subscriber of events fell behind");
            })
            .ok()
    })
}
