//! The fleet's refresher.

mod queue;
mod visit;
mod walk;
mod worker;

use std::{sync::Arc, time::Duration};

use self::worker::Worker;
use crate::{engine::Core, error::Error};

/// A worker that keeps every account of the store fresh ahead of its expiry, and alive where nobody
/// uses it.
///
/// Without one, an account is refreshed when it is used: good for those that are used often. A
/// refresher looks after all of them: no request ever waits for a refresh, and a refresh token that
/// ends when it is idle for too long does not.
///
/// Any number may run, in one process or in many: they share the work, and none refreshes an
/// account that another does. Each record in the store says when it is due: a share of the stale
/// window before the access token ends, or where [the dialect's] `keep_alive_share` of the refresh
/// token's life is over, whichever is first, and up to nine tenths of that time earlier, by a hash
/// of the key: so the requests of a fleet are spread evenly, whenever its accounts were connected.
/// What failed is due after its backoff; what only a person can help is never due.
///
/// It also finishes the revocations that disconnects left behind, and tries accounts again that
/// were refused because of a configuration that has changed since.
///
/// # What it costs
/// One listing per [`every`](Self::every), and one for each thousand accounts that are due; for
/// each account that is due one read, and for the worker that refreshes it two writes and the token
/// request. For accounts that need attention, a listing and a read of each per
/// [`attention_every`](Self::attention_every). An account that no caller uses leaves the memory
/// again after its refresh.
///
/// # When something fails
/// Where a token endpoint answers 429, or 503 with `Retry-After`, nothing is sent to it for as long
/// as it asks; where it is cut, times out, answers 5xx or refuses the client, for a time that
/// doubles up to [`Options::max_backoff`](crate::Options::max_backoff). A pause holds for all
/// accounts at that provider and site, in this worker; the others go on. While the store fails it
/// is left alone for up to 30 seconds at a time.
///
/// ```no_run
/// # use std::time::Duration;
/// # use tokenkeeper_engine::{Accounts, Error};
/// # async fn serve(accounts: Accounts) -> Result<(), Error> {
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let refresher = accounts.refresher().concurrency(16);
/// let work = tokio::spawn(refresher.run(async { drop(stopped.await) }));
/// // … serve …
/// drop(stop);
/// work.await.expect("it does not panic")?;
/// # Ok(()) }
/// ```
///
/// [the dialect's]: tokenkeeper_protocol::RefreshRules
#[derive(Clone, Debug)]
#[must_use = "nothing is refreshed before `run`"]
pub struct Refresher {
    core: Arc<Core>,
    concurrency: usize,
    every: Duration,
    attention_every: Duration,
}

impl Refresher {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            concurrency: 8,
            every: Duration::from_secs(1),
            attention_every: Duration::from_secs(60 * 60),
        }
    }

    /// How many accounts of one provider are worked on at once, by this worker. Default: 8; 0 is
    /// taken as 1.
    ///
    /// A million accounts whose tokens live for an hour are 300 refreshes a second: at 100 ms each,
    /// 30 at once.
    pub fn concurrency(mut self, accounts: usize) -> Self {
        self.concurrency = accounts.max(1);
        self
    }

    /// How often the store is asked for what is due. Default: a second; less than 10 ms is taken as
    /// that.
    ///
    /// What is found is spread over this time. It should be well below the stale window of the
    /// shortest-lived tokens ([`Options::refresh_window`](crate::Options::refresh_window)).
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.max(LEAST);
        self
    }

    /// How often the store is asked for what needs attention, beginning at the start. Default: an
    /// hour; less than 10 ms is taken as that.
    pub fn attention_every(mut self, time: Duration) -> Self {
        self.attention_every = time.max(LEAST);
        self
    }

    /// Works until `shutdown` is ready, or [`Accounts::shutdown`](crate::Accounts::shutdown) is
    /// called. It runs in the caller's task; spawn it for the background.
    ///
    /// Cancel safe: dropping the future is the same as a shutdown. Refreshes under way are the
    /// engine's, which ends them; [`Accounts::shutdown`](crate::Accounts::shutdown) waits for
    /// them.
    ///
    /// # Errors
    /// [`Error::Listing`] at the start where the store does not list its accounts. Nothing else
    /// ends it.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let worker = Worker::new(
            self.core,
            self.concurrency,
            self.every,
            self.attention_every,
        );
        tokio::select! {
            biased;
            () = shutdown => Ok(()),
            end = worker.run() => end,
        }
    }
}

const LEAST: Duration = Duration::from_millis(10);
