//! The configuration of a run: production's durations, scaled down so that much happens at once.

use std::time::Duration;

use tokenkeeper::Options;

/// The lifetime of an access token.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3);

/// The lease of an attempt.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// The deadline of a token request: longer than a lease, which its holder renews.
pub(crate) const DEADLINE: Duration = Duration::from_secs(8);

/// The largest error of a worker's wall clock.
pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(26 * 60 * 60);

/// Returns the engine's options.
pub(crate) fn options() -> Options {
    Options::new()
        .exchange_timeout(DEADLINE)
        .lease(LEASE)
        .acquire_timeout(Duration::from_secs(3))
        .refresh_fraction(0.3)
        .refresh_window(Duration::from_millis(500), Duration::from_secs(1))
        .min_refresh_interval(Duration::from_millis(500))
        .initial_backoff(Duration::from_millis(100))
        .max_backoff(Duration::from_secs(1))
        .max_refusal_backoff(Duration::from_secs(1))
        .revalidate_interval(Duration::from_secs(1))
        .revalidate_timeout(Duration::from_millis(300))
        .store_retry_interval(Duration::from_millis(150))
        .poll_interval(Duration::from_millis(50))
        .idle_timeout(Duration::from_secs(20))
        .initial_rejection_backoff(Duration::from_millis(300))
        .max_rejection_backoff(Duration::from_secs(2))
}

/// Returns the subject of an account, by its number.
pub(crate) fn subject(account: usize) -> String {
    format!("user-{account}")
}

/// Returns the number in a [`subject`].
pub(crate) fn account_of(subject: &str) -> Option<usize> {
    subject.strip_prefix("user-")?.parse().ok()
}

/// Returns the provider's login name of an account's owner.
pub(crate) fn login(account: usize) -> String {
    format!("person-{account}@example.com")
}

/// The encryption key that all workers share.
pub(crate) const KEY: [u8; 32] = [7; 32];
