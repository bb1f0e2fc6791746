//! The relay pages that have posted already.

use std::time::{Duration, Instant};

use moka::{Expiry, policy::EvictionPolicy, sync::Cache};

/// How many pages are remembered; beyond it, the least recently used are forgotten.
const MAX_PAGES: u64 = 64 * 1024;

/// The nonces of relay pages that have used their one attempt in this process.
///
/// In another process, or for a forgotten page, the engine exchanges no code a second time.
#[derive(Debug)]
pub(crate) struct UsedPages(Cache<String, Duration>);

impl UsedPages {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_PAGES)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(RemainingLifetime);
        Self(cache.build())
    }

    /// Records the page for its remaining lifetime, and returns whether this is its first attempt.
    pub(crate) fn insert(&self, nonce: &str, lifetime: Duration) -> bool {
        self.0.entry_by_ref(nonce).or_insert(lifetime).is_fresh()
    }
}

/// Expires each entry after the duration that is its value.
struct RemainingLifetime;

impl Expiry<String, Duration> for RemainingLifetime {
    fn expire_after_create(&self, _: &String, lifetime: &Duration, _: Instant) -> Option<Duration> {
        Some(*lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_attempt_until_it_expires() {
        let used = UsedPages::new();
        assert!(used.insert("long", Duration::from_secs(600)));
        assert!(!used.insert("long", Duration::from_secs(600)));
        assert!(used.insert("other", Duration::from_secs(600)));
        assert!(used.insert("short", Duration::ZERO));
        assert!(used.insert("short", Duration::ZERO));
    }
}
