//! The clocks and the rules that all processes share.

use std::time::Duration;

use tokenkeeper_refresh::{RefreshLifetime, Rules, StoreDown};

use super::{
    bounds::{Bounds, Revocation},
    names::id,
};

/// A reading of the clocks.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: u64,
    pub(crate) monotonic: Duration,
}

impl Moment {
    /// The time of most events.
    pub(crate) const NOW: Self = Self {
        now: 0,
        monotonic: Duration::ZERO,
    };

    /// A time after the lease of a device code.
    pub(crate) const AFTER_DEVICE_LEASE: Self = Self {
        now: 500_000,
        ..Self::NOW
    };

    /// A time after the token expired.
    pub(crate) const EXPIRED: Self = Self {
        now: 2_000_000,
        ..Self::NOW
    };

    /// A time after all pauses.
    pub(crate) const AFTER_PAUSES: Self = Self {
        now: 4_000_000,
        ..Self::NOW
    };

    /// A time one lease after that.
    pub(crate) const AFTER_LEASE: Self = Self {
        now: 8_000_000,
        ..Self::NOW
    };

    /// A time after any pause of a revocation.
    pub(crate) const AFTER_REVOCATION_PAUSE: Self = Self {
        now: 16_000_000,
        ..Self::NOW
    };
}

pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// The rules of all processes; the holder is filled in for each step.
pub(crate) fn rules(bounds: &Bounds) -> Rules {
    let pause = if bounds.pauses {
        Duration::from_secs(1)
    } else {
        Duration::ZERO
    };
    Rules {
        holder: id(0),
        configuration: id(0),
        lease: LEASE,
        store_retry: Duration::from_secs(1),
        store_timeout: Duration::from_secs(5),
        // A watcher that reads once a lease has no gap in its reads.
        poll: LEASE / 8,
        backoff_first: pause,
        backoff_most: pause,
        refusal_most: pause,
        patience: Duration::ZERO,
        stale_share: 0.0,
        stale_least: Duration::ZERO,
        stale_most: Duration::ZERO,
        floor: Duration::ZERO,
        not_before: None,
        refresh_lifetime: RefreshLifetime::Unlimited,
        keep_alive_share: 1.0,
        tombstone_ttl: Duration::MAX,
        memory_ttl: Duration::MAX,
        revalidation: Duration::MAX,
        watched_revalidation: Duration::MAX,
        store_down: StoreDown::Serve,
        rejection_first: Duration::from_secs(1),
        rejection_most: Duration::from_secs(1),
        old_token_dies: bounds.old_token_dies,
        revokes: bounds.revocation != Revocation::Nothing,
        revokes_alone: bounds.revocation == Revocation::Login,
    }
}
