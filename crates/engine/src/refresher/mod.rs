//! The refresher: a worker that keeps all accounts of a store fresh.

mod backlog;
mod backoff;
mod page;
mod queue;
mod step;
mod visit;
mod walk;
mod worker;

use std::{sync::Arc, time::Duration};

pub use self::backlog::Backlog;
pub(crate) use self::backlog::Backlogs;
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
/// # Order and pace
///
/// The account that has been due longest comes first. If few are due, their visits are spread over
/// the [`scan_interval`](Self::scan_interval). A backlog, as after an outage, keeps all lanes busy
/// until it is gone: the worker lists the next accounts while it visits the last ones. Accounts
/// that become due behind a backlog get every other visit, so that they are in time. A backlog or a
/// pause of one provider delays no other.
///
/// [`Accounts::backlogs`](crate::Accounts::backlogs) returns how many accounts are due and how late
/// they are. [`EventKind::RefresherBehind`](crate::EventKind::RefresherBehind) reports a backlog
/// that lasts for more than ten seconds.
///
/// # Cost
///
/// - At rest, one listing per [`scan_interval`](Self::scan_interval).
/// - A listing of at most 250 keys for each 250 visits of one worker, and for each 60 visits if
///   four workers share a backlog. Each worker also walks once over a backlog, and again at most
///   once a minute, with rests that leave the store three quarters of its time.
/// - One read for each refresh, two writes and the token request, and a share of a claim: workers
///   claim accounts in batches shortly before they visit them, so that no two visit the same one.
///   In a store without claims, each worker reads each due account.
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
/// pause applies to all accounts at that provider and site, in this worker.
///
/// If a part of the store fails, such as a server of a cluster, the refresher goes on with the
/// others: an account whose read or write fails is tried again half a minute later, and one whose
/// read hangs holds no lane. If nothing succeeds, the refresher leaves the store alone for up to 30
/// seconds at a time. What a worker has claimed when it stops is left to the others half a minute
/// later.
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

    /// Sets how often the worker lists the due accounts while few are due. It spreads their
    /// refreshes over this time.
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
