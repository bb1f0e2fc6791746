//! The kinds of events that an application can watch.

use std::time::{Duration, SystemTime};

use tokenkeeper_refresh::Cause;

use crate::failure::RefreshFailure;

/// What happened to an account.
///
/// ```
/// use futures_util::StreamExt as _;
/// use tokenkeeper_engine::{EventKind, protocol::TokenSet};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let mut events = accounts.events();
/// let account = accounts.account("amiqus", "user-42")?;
/// account.adopt(TokenSet::new("access-1")).await?;
///
/// let event = events.next().await.expect("the engine runs");
/// assert_eq!(event.kind, EventKind::Connected);
/// assert_eq!(event.account, account);
///
/// // A failure comes with its class, its error code and its time.
/// let describe = |kind: EventKind| match kind {
///     EventKind::ReauthorizationRequired { cause, failure } => match failure {
///         Some(failure) => format!("{cause}: {} at {:?}", failure.class, failure.at),
///         None => cause.to_string(),
///     },
///     kind => format!("{kind:?}"),
/// };
/// assert_eq!(describe(event.kind), "Connected");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A login finished, or tokens were adopted.
    Connected,
    /// The account was disconnected, by this process or another.
    Disconnected,
    /// The account was forgotten, by this process or another: nothing of it is kept. A process
    /// that did not know the account sends no event.
    Forgotten,
    /// A newer login or a disconnect overtook a login of this process. If its tokens were served
    /// from memory meanwhile, the call that brought them has already returned without an error.
    Superseded,
    /// A refresh brought a new token set.
    Refreshed {
        /// The number of the token set within this login.
        generation: u64,
    },
    /// A refresh failed for now.
    RefreshFailed {
        /// The time until the engine asks the token endpoint again.
        retry_after: Duration,
        /// The failure; `None` if newer tokens have replaced those that it was about.
        failure: Option<RefreshFailure>,
    },
    /// The account needs a new login.
    ReauthorizationRequired {
        /// The reason.
        cause: Cause,
        /// The refusal behind it. A record that an earlier version wrote names none.
        failure: Option<RefreshFailure>,
    },
    /// A new login brought no refresh token, although the one before had one. The earlier refresh
    /// token is not kept, since it belongs to the earlier login: the account needs a login again
    /// once its access token expires, at some providers one that asks for offline access.
    NoRefreshToken,
    /// The token endpoint refuses without a usable reason (an empty or unknown error, an HTML
    /// page). The engine retries with growing pauses, up to
    /// [`Options::max_refusal_backoff`](crate::Options::max_refusal_backoff).
    RefusedWithoutReason {
        /// The time of the first such refusal.
        since: SystemTime,
        /// The last refusal.
        failure: Option<RefreshFailure>,
    },
    /// The token endpoint refuses the client, or the new token has a type that the dialect does not
    /// attach. The tokens are kept. After a refusal the engine retries with growing pauses, up to
    /// [`Options::max_refusal_backoff`](crate::Options::max_refusal_backoff).
    Misconfigured {
        /// The refusal of the client; `None` if the token's type is not attached.
        failure: Option<RefreshFailure>,
    },
    /// New tokens could not be written to the store. They are served from memory, and the write is
    /// repeated until it succeeds.
    StoreBehind,
    /// The store has the newest tokens again.
    StoreCaughtUp,
    /// The store had lost the record or gone back in time, and was restored from memory.
    StoreRestored,
    /// A finished login replaced a record that could not be read: it was damaged, or its key is
    /// lost. What the record held, such as tokens still to be revoked, is gone. Neither a refresh
    /// nor adopted tokens replace such a record, and nothing does while the store or its key
    /// service fails for now.
    UnreadableReplaced,
    /// A token is served that could not be compared with the store, which is unreachable.
    ServedUnvalidated,
    /// The API rejected a fresh token, so rejections cause no refresh for a while.
    RejectionsHeldOff {
        /// The length of the pause.
        wait: Duration,
    },
    /// The API limits the rate of requests.
    RateLimited {
        /// The value of `Retry-After`, if the response has one.
        retry_after: Option<Duration>,
    },
    /// The API refused a request because the token's scope is too narrow (RFC 6750 §3.1). The token
    /// is good, and a refresh does not widen it: a login with these scopes does.
    InsufficientScope {
        /// The scopes that the request needs, if the response names them.
        scopes: Vec<String>,
    },
    /// The tokens of a disconnected login are not revoked yet. The engine keeps trying.
    RevocationPending {
        /// Whether the provider refused the revocation. Otherwise it could not be asked.
        refused: bool,
    },
    /// More accounts of a provider are due than a [`Refresher`](crate::Refresher) of this process
    /// has refreshed for some seconds. The event has one of those that wait longest;
    /// [`Accounts::backlogs`](crate::Accounts::backlogs) has the current figures.
    RefresherBehind {
        /// The number of accounts that are known to be due.
        due: usize,
        /// How long the account that waits longest has been due; zero if none was visited yet.
        late: Duration,
    },
    /// The refresher has caught up with the due accounts of a provider. The event has the account
    /// of its [`RefresherBehind`](Self::RefresherBehind).
    RefresherCaughtUp {
        /// The time for which it was behind.
        lasted: Duration,
    },
}

impl EventKind {
    /// Returns the name of the kind, for labels, such as `refresh_failed`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Forgotten => "forgotten",
            Self::Superseded => "superseded",
            Self::Refreshed { .. } => "refreshed",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::ReauthorizationRequired { .. } => "reauthorization_required",
            Self::NoRefreshToken => "no_refresh_token",
            Self::RefusedWithoutReason { .. } => "refused_without_reason",
            Self::Misconfigured { .. } => "misconfigured",
            Self::StoreBehind => "store_behind",
            Self::StoreCaughtUp => "store_caught_up",
            Self::StoreRestored => "store_restored",
            Self::UnreadableReplaced => "unreadable_replaced",
            Self::ServedUnvalidated => "served_unvalidated",
            Self::RejectionsHeldOff { .. } => "rejections_held_off",
            Self::RateLimited { .. } => "rate_limited",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::RevocationPending { .. } => "revocation_pending",
            Self::RefresherBehind { .. } => "refresher_behind",
            Self::RefresherCaughtUp { .. } => "refresher_caught_up",
        }
    }
}
