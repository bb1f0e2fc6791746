//! The flows whose relay page has posted already.

use std::time::{Duration, Instant};

use moka::{Expiry, policy::EvictionPolicy, sync::Cache};

/// How many flows are remembered; beyond it, the least recently used are forgotten.
const MAX_FLOWS: u64 = 64 * 1024;

/// The flows whose relay page has used its one attempt in this process.
///
/// In another process, or for a forgotten flow, the provider refuses the second use of the code.
#[derive(Debug)]
pub(crate) struct CompletedFlows(Cache<String, Duration>);

impl CompletedFlows {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_FLOWS)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(RemainingLifetime);
        Self(cache.build())
    }

    /// Records the flow for its remaining lifetime, and returns whether this is its first attempt.
    pub(crate) fn insert(&self, flow_id: &str, lifetime: Duration) -> bool {
        self.0.entry_by_ref(flow_id).or_insert(lifetime).is_fresh()
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
    fn a_flow_has_one_attempt_until_it_expires() {
        let completed = CompletedFlows::new();
        assert!(completed.insert("long", Duration::from_secs(600)));
        assert!(!completed.insert("long", Duration::from_secs(600)));
        assert!(completed.insert("other", Duration::from_secs(600)));
        assert!(completed.insert("short", Duration::ZERO));
        assert!(completed.insert("short", Duration::ZERO));
    }
}
