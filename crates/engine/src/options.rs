//! The lengths that the engine works with.

use std::time::Duration;

pub use tokenkeeper_refresh::StoreDown;

/// How the engine behaves. Every value has a default that suits a web backend; change one with
/// struct update syntax.
///
/// ```
/// use std::time::Duration;
/// use tokenkeeper_engine::Options;
///
/// let options = Options { wait: Duration::from_secs(5), ..Options::default() };
/// assert_eq!(options.lease, Duration::from_secs(20));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How long the answer of a token endpoint is listened for. The attempt's lease is renewed
    /// meanwhile; a caller's own wait ends earlier.
    pub deadline: Duration,
    /// How long other processes leave an attempt alone that is not renewed. Shortened where the
    /// provider has a grace window.
    ///
    /// A process that stands still for longer may wake with its attempt taken over.
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
    /// The longest pause after a refusal that does not name the grant: one without a reason, or of
    /// the client. Also after a failed revocation.
    pub refusal_backoff_most: Duration,
    /// How long refusals without a reason are put up with after an answer was lost, before the
    /// account asks for a new login.
    pub patience: Duration,
    /// How often memory is compared with the store while an account is in use.
    pub revalidation: Duration,
    /// How long a caller waits for an overdue comparison.
    pub validation_wait: Duration,
    /// What happens to a token in memory while the store cannot be reached.
    pub store_down: StoreDown,
    /// Between the retries of a write that must not be lost.
    pub store_retry: Duration,
    /// Between the reads of a process that waits for another's attempt, where the store does not
    /// notify.
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

impl Default for Options {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(3 * 60),
            lease: Duration::from_secs(20),
            wait: Duration::from_secs(30),
            stale_share: 0.1,
            stale_least: Duration::from_secs(30),
            stale_most: Duration::from_secs(5 * 60),
            floor: Duration::from_secs(30),
            backoff_first: Duration::from_secs(1),
            backoff_most: Duration::from_secs(5 * 60),
            refusal_backoff_most: Duration::from_secs(60 * 60),
            patience: Duration::from_secs(10 * 60),
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
    /// The lease at a provider that takes a redeemed refresh token again for this long: it ends
    /// before that, so that a replay by another process still finds the window open.
    pub(crate) fn lease_within(&self, grace: Option<Duration>) -> Duration {
        match grace {
            Some(grace) if !grace.is_zero() => self.lease.min(grace.mul_f64(0.9)),
            _ => self.lease,
        }
    }

    /// What makes the promises impossible to keep, if anything does.
    pub(crate) fn problem(&self) -> Option<String> {
        self.unusable().or_else(|| {
            let bounded = [
                ("deadline", self.deadline),
                ("lease", self.lease),
                ("wait", self.wait),
                ("stale_most", self.stale_most),
                ("floor", self.floor),
                ("backoff_most", self.backoff_most),
                ("refusal_backoff_most", self.refusal_backoff_most),
                ("patience", self.patience),
                ("revalidation", self.revalidation),
                ("validation_wait", self.validation_wait),
                ("idle", self.idle),
                ("rejection_most", self.rejection_most),
                ("flow", self.flow),
            ];
            let name = bounded.into_iter().find(|(_, length)| *length > LONGEST)?.0;
            Some(format!("`{name}` must be at most ten years"))
        })
    }

    fn unusable(&self) -> Option<String> {
        let problem = if self.lease < SHORTEST_LEASE {
            "`lease` must be at least a second: a store needs a part of it for each call"
        } else if self.deadline.is_zero() {
            "`deadline` must be more than zero"
        } else if self.store_retry.is_zero() || self.store_retry.saturating_mul(4) > self.lease {
            "`store_retry` must be more than zero and at most a quarter of `lease`"
        } else if self.poll.is_zero() || self.poll.saturating_mul(4) > self.lease {
            "`poll` must be more than zero and at most a quarter of `lease`"
        } else if !(0.0..=0.5).contains(&self.stale_share) {
            "`stale_share` must lie between 0 and 0.5"
        } else if self.stale_least > self.stale_most {
            "`stale_least` must be at most `stale_most`"
        } else if self.backoff_first.is_zero() || self.backoff_first > self.backoff_most {
            "`backoff_first` must be more than zero and at most `backoff_most`"
        } else if self.backoff_first > self.refusal_backoff_most {
            "`refusal_backoff_most` must be at least `backoff_first`"
        } else if self.revalidation < Duration::from_millis(100) {
            "`revalidation` must be at least 100 ms: each comparison is a call to the store"
        } else if self.rejection_first > self.rejection_most {
            "`rejection_first` must be at most `rejection_most`"
        } else {
            return None;
        };
        Some(problem.to_owned())
    }
}

/// A lease must have room for several calls to the store.
pub(crate) const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// Times that are added to this stay within what a clock can show.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
