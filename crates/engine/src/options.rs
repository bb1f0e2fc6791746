//! The engine's options.

use std::time::Duration;

pub use tokenkeeper_refresh::StoreDown;

/// Configures the engine. The defaults suit a web backend.
///
/// Setters cannot fail; [`AccountsBuilder::build`](crate::AccountsBuilder::build) checks all values
/// and names each that is wrong.
///
/// ```
/// use std::time::Duration;
/// use tokenkeeper_engine::Options;
///
/// let options = Options::new()
///     .acquire_timeout(Duration::from_secs(5))
///     .refresh_window(Duration::from_secs(60), Duration::from_secs(600));
/// # drop(options);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "options take effect in `AccountsBuilder::options`"]
pub struct Options {
    pub(crate) exchange_timeout: Duration,
    pub(crate) lease: Duration,
    pub(crate) acquire_timeout: Duration,
    pub(crate) refresh_fraction: f64,
    pub(crate) min_refresh_window: Duration,
    pub(crate) max_refresh_window: Duration,
    pub(crate) min_refresh_interval: Duration,
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) max_refusal_backoff: Duration,
    pub(crate) suspect_timeout: Duration,
    pub(crate) revalidate_interval: Duration,
    pub(crate) watched_revalidate_interval: Duration,
    pub(crate) revalidate_timeout: Duration,
    pub(crate) store_down: StoreDown,
    pub(crate) store_retry_interval: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) tombstone_ttl: Duration,
    pub(crate) initial_rejection_backoff: Duration,
    pub(crate) max_rejection_backoff: Duration,
    pub(crate) login_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exchange_timeout: Duration::from_secs(3 * 60),
            lease: Duration::from_secs(20),
            acquire_timeout: Duration::from_secs(30),
            refresh_fraction: 0.1,
            min_refresh_window: Duration::from_secs(30),
            max_refresh_window: Duration::from_secs(5 * 60),
            min_refresh_interval: Duration::from_secs(30),
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(5 * 60),
            max_refusal_backoff: Duration::from_secs(60 * 60),
            suspect_timeout: Duration::from_secs(10 * 60),
            revalidate_interval: Duration::from_secs(60),
            watched_revalidate_interval: Duration::from_secs(10 * 60),
            revalidate_timeout: Duration::from_secs(1),
            store_down: StoreDown::Serve,
            store_retry_interval: Duration::from_millis(500),
            poll_interval: Duration::from_millis(250),
            idle_timeout: Duration::from_secs(60 * 60),
            tombstone_ttl: Duration::from_secs(366 * 24 * 60 * 60),
            initial_rejection_backoff: Duration::from_secs(60),
            max_rejection_backoff: Duration::from_secs(60 * 60),
            login_timeout: Duration::from_secs(10 * 60),
        }
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the engine waits for the answer of a token endpoint. It renews the lease of the
    /// attempt meanwhile; a caller's own wait ends earlier.
    ///
    /// Default: 3 minutes.
    pub fn exchange_timeout(mut self, timeout: Duration) -> Self {
        self.exchange_timeout = timeout;
        self
    }

    /// How long other processes leave an attempt alone that is not renewed. It is shorter where the
    /// provider has a grace window. A process that is stopped for longer may find its attempt taken
    /// over.
    ///
    /// Default: 20 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long a caller waits for a token.
    ///
    /// Default: 30 s.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long before its expiry a token is refreshed: the part of its lifetime that
    /// [`refresh_fraction`](Self::refresh_fraction) says, but at least `min` and at most `max`, and
    /// never more than half of the lifetime.
    ///
    /// Default: 30 s to 5 minutes.
    pub fn refresh_window(mut self, min: Duration, max: Duration) -> Self {
        self.min_refresh_window = min;
        self.max_refresh_window = max;
        self
    }

    /// The refresh window as a fraction of the token's lifetime.
    ///
    /// Default: 0.1.
    pub fn refresh_fraction(mut self, fraction: f64) -> Self {
        self.refresh_fraction = fraction;
        self
    }

    /// The least time between two refreshes of a token ahead of its expiry.
    ///
    /// Default: 30 s.
    pub fn min_refresh_interval(mut self, interval: Duration) -> Self {
        self.min_refresh_interval = interval;
        self
    }

    /// The pause after the first failed refresh. It doubles with each failure, with full jitter.
    ///
    /// Default: 1 s.
    pub fn initial_backoff(mut self, backoff: Duration) -> Self {
        self.initial_backoff = backoff;
        self
    }

    /// The longest pause after a failed refresh. A server's `Retry-After` may ask for more.
    ///
    /// Default: 5 minutes.
    pub fn max_backoff(mut self, backoff: Duration) -> Self {
        self.max_backoff = backoff;
        self
    }

    /// The longest pause after a refusal that does not name the grant (one without a reason, or of
    /// the client), and after a failed revocation.
    ///
    /// Default: 1 hour.
    pub fn max_refusal_backoff(mut self, backoff: Duration) -> Self {
        self.max_refusal_backoff = backoff;
        self
    }

    /// How long refusals without a reason are retried after a lost answer before the account needs
    /// a new login.
    ///
    /// Default: 10 minutes.
    pub fn suspect_timeout(mut self, timeout: Duration) -> Self {
        self.suspect_timeout = timeout;
        self
    }

    /// How often memory is compared with the store while an account is in use.
    ///
    /// It counts while the store does not notify of changes, and until a watch has been open for 15
    /// seconds: see [`watched_revalidate_interval`](Self::watched_revalidate_interval). Once a
    /// watch is lost, each account in use is compared once within this interval.
    ///
    /// Default: 1 minute.
    pub fn revalidate_interval(mut self, interval: Duration) -> Self {
        self.revalidate_interval = interval;
        self
    }

    /// How often memory is compared with the store while an account is in use and a
    /// [watch](crate::store::TokenStore::watch) of the store is open, which reports each change at
    /// once. It bounds for how long a change stays unseen whose notification was lost in silence.
    ///
    /// Default: 10 minutes.
    pub fn watched_revalidate_interval(mut self, interval: Duration) -> Self {
        self.watched_revalidate_interval = interval;
        self
    }

    /// How long a caller waits for an overdue comparison.
    ///
    /// Default: 1 s.
    pub fn revalidate_timeout(mut self, timeout: Duration) -> Self {
        self.revalidate_timeout = timeout;
        self
    }

    /// What happens to a token in memory while the store is unreachable.
    ///
    /// Default: [`StoreDown::Serve`].
    pub fn store_down(mut self, behaviour: StoreDown) -> Self {
        self.store_down = behaviour;
        self
    }

    /// The time between two retries of a write that must not be lost.
    ///
    /// Default: 500 ms.
    pub fn store_retry_interval(mut self, interval: Duration) -> Self {
        self.store_retry_interval = interval;
        self
    }

    /// The time between two reads of a process that waits for another's attempt, where the store
    /// has no notifications.
    ///
    /// Default: 250 ms.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// An account that is unused for this long leaves memory. The store keeps it. A disconnected
    /// account leaves memory within seconds, once its tokens are revoked.
    ///
    /// Default: 1 hour.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long the store keeps the tombstone of a disconnected account, and with it the subject.
    /// [`Account::forget`](crate::Account::forget) removes it at once.
    ///
    /// The tombstone keeps a process that was cut off from the store from putting back what it
    /// has in memory, so it must be kept for longer than any process is cut off. Three days are
    /// added, since clocks may differ.
    ///
    /// Default: 366 days.
    pub fn tombstone_ttl(mut self, ttl: Duration) -> Self {
        self.tombstone_ttl = ttl;
        self
    }

    /// How long rejections lead to no refresh after the API rejected a fresh token. It doubles with
    /// each further one.
    ///
    /// Default: 1 minute.
    pub fn initial_rejection_backoff(mut self, backoff: Duration) -> Self {
        self.initial_rejection_backoff = backoff;
        self
    }

    /// The longest time for which rejections lead to no refresh.
    ///
    /// Default: 1 hour.
    pub fn max_rejection_backoff(mut self, backoff: Duration) -> Self {
        self.max_rejection_backoff = backoff;
        self
    }

    /// How long a login may take from the redirect to the callback.
    ///
    /// Default: 10 minutes.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }

    /// The lease at a provider with a grace window for redeemed refresh tokens. It ends before the
    /// window, so that a replay by another process is still within it.
    pub(crate) fn lease_within(&self, grace: Option<Duration>) -> Duration {
        match grace {
            Some(grace) if !grace.is_zero() => self.lease.min(grace.mul_f64(0.9)),
            _ => self.lease,
        }
    }

    /// Every value with which the promises cannot be kept.
    pub(crate) fn problems(&self) -> Vec<String> {
        let lengths = [
            ("exchange_timeout", self.exchange_timeout),
            ("lease", self.lease),
            ("acquire_timeout", self.acquire_timeout),
            ("refresh_window", self.max_refresh_window),
            ("min_refresh_interval", self.min_refresh_interval),
            ("max_backoff", self.max_backoff),
            ("max_refusal_backoff", self.max_refusal_backoff),
            ("suspect_timeout", self.suspect_timeout),
            ("revalidate_interval", self.revalidate_interval),
            (
                "watched_revalidate_interval",
                self.watched_revalidate_interval,
            ),
            ("revalidate_timeout", self.revalidate_timeout),
            ("idle_timeout", self.idle_timeout),
            ("tombstone_ttl", self.tombstone_ttl),
            ("max_rejection_backoff", self.max_rejection_backoff),
            ("login_timeout", self.login_timeout),
        ];
        let too_long = lengths
            .into_iter()
            .filter(|(_, length)| *length > MAX_LENGTH);
        let too_long = too_long.map(|(name, _)| format!("`{name}` must be at most ten years"));
        let quarter = self.lease / 4;
        let conflicts = [
            (
                self.lease < MIN_LEASE,
                "`lease` must be at least a second: a store needs a part of it for each call",
            ),
            (
                self.exchange_timeout.is_zero(),
                "`exchange_timeout` must be more than zero",
            ),
            (
                self.store_retry_interval.is_zero() || self.store_retry_interval > quarter,
                "`store_retry_interval` must be more than zero and at most a quarter of `lease`",
            ),
            (
                self.poll_interval.is_zero() || self.poll_interval > quarter,
                "`poll_interval` must be more than zero and at most a quarter of `lease`",
            ),
            (
                !(0.0..=0.5).contains(&self.refresh_fraction),
                "`refresh_fraction` must be from 0 to 0.5",
            ),
            (
                self.min_refresh_window > self.max_refresh_window,
                "`refresh_window` must have a `min` of at most its `max`",
            ),
            (
                self.initial_backoff.is_zero() || self.initial_backoff > self.max_backoff,
                "`initial_backoff` must be more than zero and at most `max_backoff`",
            ),
            (
                self.initial_backoff > self.max_refusal_backoff,
                "`max_refusal_backoff` must be at least `initial_backoff`",
            ),
            (
                self.revalidate_interval < Duration::from_millis(100),
                "`revalidate_interval` must be at least 100 ms: each comparison calls the store",
            ),
            (
                self.watched_revalidate_interval < self.revalidate_interval,
                "`watched_revalidate_interval` must be at least `revalidate_interval`",
            ),
            (
                self.tombstone_ttl < self.idle_timeout,
                "`tombstone_ttl` must be at least `idle_timeout`: a process may still have the \
                 account in memory",
            ),
            (
                self.initial_rejection_backoff > self.max_rejection_backoff,
                "`initial_rejection_backoff` must be at most `max_rejection_backoff`",
            ),
        ];
        let conflicts = conflicts.into_iter().filter(|(conflict, _)| *conflict);
        let conflicts = conflicts.map(|(_, problem)| problem.to_owned());
        too_long.chain(conflicts).collect()
    }
}

/// A lease must have room for several calls to the store.
pub(crate) const MIN_LEASE: Duration = Duration::from_secs(1);

/// Times that are added to this stay within the range of a clock.
const MAX_LENGTH: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
