//! The lengths of a run: those of production, scaled down so that much happens in little time.

use std::time::Duration;

use tokenkeeper::Options;

/// How long an access token lives.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3);

/// How long the others leave an attempt alone.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// How long a token endpoint's answer is listened for: longer than a lease, which is renewed meanwhile.
pub(crate) const DEADLINE: Duration = Duration::from_secs(8);

/// A worker's clock is never further from the truth than this.
pub(crate) const FARTHEST: Duration = Duration::from_secs(26 * 60 * 60);

/// The engine's options.
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

/// The application's name for an account; the same number is the person's login at the provider.
pub(crate) fn subject(account: usize) -> String {
    format!("user-{account}")
}

/// The number in [`subject`].
pub(crate) fn account_of(subject: &str) -> Option<usize> {
    subject.strip_prefix("user-")?.parse().ok()
}

/// The person who owns an account, as the provider knows them.
pub(crate) fn login(account: usize) -> String {
    format!("person-{account}@example.com")
}

/// The key that all workers share.
pub(crate) const KEY: [u8; 32] = [7; 32];
