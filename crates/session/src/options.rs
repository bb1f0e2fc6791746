//! The lengths that the engine works with.

use std::time::Duration;

/// How the engine behaves. Every value has a default that suits a web backend; change one with struct update syntax.
///
/// ```
/// use std::time::Duration;
/// use tokenkeeper_session::Options;
///
/// let options = Options { wait: Duration::from_secs(5), ..Options::default() };
/// assert_eq!(options.lease, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How long the answer of a token endpoint is waited for. Less than half of [`lease`](Self::lease) leaves room for a slow store.
    pub deadline: Duration,
    /// How long other processes leave an attempt alone. Shortened where the provider has a grace window.
    pub lease: Duration,
    /// How long a caller waits for a token.
    pub wait: Duration,
    /// The stale window as a share of the token's lifetime.
    pub stale_share: f64,
    /// The stale window is at least this, and never more than half of the lifetime.
    pub stale_least: Duration,
    /// The stale window is at most this.
    pub stale_most: Duration,
    /// No token is refreshed ahead of its expiry sooner than this after it was obtained.
    pub floor: Duration,
    /// The first pause after a failed refresh; it doubles, with full jitter.
    pub backoff_first: Duration,
    /// The longest pause after a failed refresh. A server's own `Retry-After` may be longer.
    pub backoff_most: Duration,
    /// How often memory is compared with the store while an account is in use.
    pub revalidation: Duration,
    /// How long a caller waits for an overdue comparison.
    pub validation_wait: Duration,
    /// What happens to a token in memory while the store cannot be reached.
    pub store_down: StoreDown,
    /// Between the retries of a write that must not be lost.
    pub store_retry: Duration,
    /// Between the reads of a process that waits for another's attempt, where the store does not notify.
    pub poll: Duration,
    /// An account that was not used for this long is dropped from memory; the store keeps it.
    pub idle: Duration,
    /// The first hold-off after a fresh token was rejected too; it doubles.
    pub rejection_first: Duration,
    /// The longest hold-off after fresh tokens were rejected.
    pub rejection_most: Duration,
    /// How long a login may take, from the redirect to the callback.
    pub flow: Duration,
}

/// What happens to a token in memory while the store cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreDown {
    /// It is served until it expires, and an event says so.
    Serve,
    /// It is refused once two revalidations are overdue: nobody who was disconnected elsewhere is served.
    Refuse,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            wait: Duration::from_secs(30),
            stale_share: 0.1,
            stale_least: Duration::from_secs(30),
            stale_most: Duration::from_secs(5 * 60),
            floor: Duration::from_secs(30),
            backoff_first: Duration::from_secs(1),
            backoff_most: Duration::from_secs(5 * 60),
            revalidation: Duration::from_secs(60),
            validation_wait: Duration::from_secs(1),
            store_down: StoreDown::Serve,
            store_retry: Duration::from_millis(500),
            poll: Duration::from_millis(250),
            idle: Duration::from_secs(60 * 60),
            rejection_first: Duration::from_secs(60),
            rejection_most: Duration::from_secs(60 * 60),
            flow: Duration::from_secs(10 * 60),
        }
    }
}

impl Options {
    /// What makes the promises impossible to keep, if anything does.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.deadline >= self.lease {
            return Some(
                "`deadline` must be shorter than `lease`, or two processes could present one token",
            );
        }
        if self.store_retry.is_zero() || self.store_retry * 4 > self.lease {
            return Some("`store_retry` must be more than zero and at most a quarter of `lease`");
        }
        if self.poll.is_zero() || self.poll * 4 > self.lease {
            return Some("`poll` must be more than zero and at most a quarter of `lease`");
        }
        if !(0.0..=0.5).contains(&self.stale_share) {
            return Some("`stale_share` must lie between 0 and 0.5");
        }
        if self.backoff_first.is_zero() || self.backoff_first > self.backoff_most {
            return Some("`backoff_first` must be more than zero and at most `backoff_most`");
        }
        if self.revalidation.is_zero() {
            return Some("`revalidation` must be more than zero");
        }
        None
    }
}
