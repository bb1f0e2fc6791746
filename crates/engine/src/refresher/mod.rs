//! The refresher: a worker that keeps all accounts of a store fresh.

mod backoff;
mod queue;
mod scan;
mod visit;
mod worker;

use std::{sync::Arc, time::Duration};

use self::worker::Worker;
use crate::{engine::Core, error::Error};

/// A worker that refreshes every account of the store ahead of its expiry, even unused ones.
///
/// Without a refresher, an account is refreshed when it is used, which suits accounts that are used
/// often. With one, no request ever waits for a refresh, and idle refresh tokens don't expire.
///
/// Any number of refreshers may run, in one process or in many. They share the work: no two refresh
/// the same account. Each record in the store states when it is due: a share of the refresh window
/// before the access token expires, or after the dialect's [`keep_alive_share`] of the refresh
/// token's lifetime, whichever comes first. That lifetime is the dialect's or the one that the
/// token response states. If no end is known, neither of the access token nor of the refresh token,
/// an account is due a week after its last refresh. A hash of the key brings it forward by up to
/// nine tenths of that time, which spreads the requests of a fleet evenly, but never to before the
/// dialect's [`not_before`]. A failed account is due after its backoff, and one that needs a new
/// login or has no refresh token is never due.
///
/// A refresher also finishes revocations that disconnects left behind, and retries accounts that
/// the token endpoint refused because of a configuration that has changed since.
///
/// # Cost
///
/// - One listing per [`scan_interval`](Self::scan_interval), and one per thousand due accounts.
/// - One read for each due account, and for the worker that refreshes it two writes and the token
///   request.
/// - One listing and one read of each account that needs attention, per
///   [`attention_interval`](Self::attention_interval).
///
/// An account that no caller uses leaves memory again after its refresh.
///
/// # Failures
///
/// If a token endpoint responds with 429, or 503 with `Retry-After`, the refresher sends it nothing
/// for that time. If it is cut, times out, responds with another 5xx or refuses the client, the
/// refresher backs off, doubling up to [`Options::max_backoff`](crate::Options::max_backoff). A
/// pause applies to all accounts at that provider and site, in this worker. If the store fails, the
/// refresher leaves it alone for up to 30 seconds at a time.
///
/// # Examples
///
/// ```
/// use tokio::sync::oneshot;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let (stop, stopped) = oneshot::channel::<()>();
/// let refresher = accounts.refresher().concurrency(16);
/// let worker = tokio::spawn(refresher.run(async { drop(stopped.await) }));
/// // Serve requests. Then:
/// drop(stop);
/// worker.await.expect("the worker does not panic")?;
/// # Ok(()) }
/// ```
///
/// [`keep_alive_share`]: tokenkeeper_protocol::RefreshRules::keep_alive_share
/// [`not_before`]: tokenkeeper_protocol::RefreshRules::not_before
#[derive(Clone, Debug)]
#[must_use = "nothing is refreshed before `run`"]
pub struct Refresher {
    core: Arc<Core>,
    concurrency: usize,
    scan_interval: Duration,
    attention_interval: Duration,
}

impl Refresher {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            concurrency: 8,
            scan_interval: Duration::from_secs(1),
            attention_interval: Duration::from_secs(60 * 60),
        }
    }

    /// Sets how many accounts of one provider this worker refreshes concurrently.
    ///
    /// A million accounts whose tokens live for an hour need 300 refreshes a second; at 100 ms
    /// each, that is a concurrency of 30.
    ///
    /// Default: 8. Zero counts as 1.
    pub fn concurrency(mut self, limit: usize) -> Self {
        self.concurrency = limit.max(1);
        self
    }

    /// Sets how often the worker lists the due accounts. It spreads their refreshes over this time.
    ///
    /// Keep it well below the refresh window of the shortest-lived tokens
    /// ([`Options::refresh_window`](crate::Options::refresh_window)).
    ///
    /// Default: 1 s. Less than 10 ms counts as 10 ms.
    pub fn scan_interval(mut self, interval: Duration) -> Self {
        self.scan_interval = interval.max(MIN_INTERVAL);
        self
    }

    /// Sets how often the worker lists the accounts that need attention, first at its start.
    ///
    /// Default: 1 hour. Less than 10 ms counts as 10 ms.
    pub fn attention_interval(mut self, interval: Duration) -> Self {
        self.attention_interval = interval.max(MIN_INTERVAL);
        self
    }

    /// Works until `shutdown` is ready or [`Accounts::shutdown`](crate::Accounts::shutdown) is
    /// called. It runs in the caller's task: spawn it for the background.
    ///
    /// # Errors
    /// [`Error::Listing`] at the start, if the store cannot list accounts. No other failure ends
    /// the worker.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future is the same as a shutdown. The engine finishes the
    /// refreshes in flight, and [`Accounts::shutdown`](crate::Accounts::shutdown) waits for them.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let worker = Worker::new(
            self.core,
            self.concurrency,
            self.scan_interval,
            self.attention_interval,
        );
        tokio::select! {
            biased;
            () = shutdown => Ok(()),
            end = worker.run() => end,
        }
    }
}

/// The shortest interval between two listings.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
