//! The durations and identities that an account machine works with.

use std::time::Duration;

use crate::{
    id::Id,
    instant::{WallMillis, millis},
    payload::Times,
};

/// What the options and the provider's dialect prescribe, shared by all accounts of one provider at
/// one site.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Identifies this incarnation of this process.
    pub holder: Id,
    /// A digest of the client's configuration.
    pub configuration: Id,
    /// How long other processes leave an attempt alone.
    pub lease: Duration,
    /// The pause between retries of a write.
    pub store_retry: Duration,
    /// The timeout of a call to the store.
    pub store_timeout: Duration,
    /// The interval between reads of another process's attempt, if the store does not notify.
    pub poll: Duration,
    /// The initial pause after a failed refresh.
    pub backoff_first: Duration,
    /// The maximum pause after a failure of the endpoint.
    pub backoff_most: Duration,
    /// The maximum pause after a refusal that does not name the grant, and after a failed
    /// revocation.
    pub refusal_most: Duration,
    /// How long refusals without a reason are tolerated after a lost answer before a login is
    /// required.
    pub patience: Duration,
    /// The stale window as a share of the token's lifetime.
    pub stale_share: f64,
    /// The minimum stale window.
    pub stale_least: Duration,
    /// The maximum stale window.
    pub stale_most: Duration,
    /// The minimum age of a token before it is refreshed ahead of its expiry.
    pub floor: Duration,
    /// The provider refuses a refresh earlier than this ahead of the access token's expiry.
    pub not_before: Option<Duration>,
    /// How long a refresh token lives without being used, unless its answer says so.
    pub refresh_lifetime: RefreshLifetime,
    /// A use after this share of that lifetime leads to a refresh.
    pub keep_alive_share: f64,
    /// How long a tombstone is kept.
    pub tombstone_ttl: Duration,
    /// How long an unused account stays in the memory of a process.
    pub memory_ttl: Duration,
    /// The interval at which memory is compared with the store.
    pub revalidation: Duration,
    /// That interval while the store is known to notify of every change.
    pub watched_revalidation: Duration,
    /// What happens to tokens in memory while the store is unreachable.
    pub store_down: StoreDown,
    /// The initial hold-off after a fresh token was rejected as well.
    pub rejection_first: Duration,
    /// The maximum hold-off.
    pub rejection_most: Duration,
    /// The provider may invalidate the old access token when the refresh token is presented.
    pub old_token_dies: bool,
    /// The provider can revoke tokens.
    pub revokes: bool,
    /// A revocation ends no other authorization of the account.
    pub revokes_alone: bool,
}

/// How long a refresh token lives without being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshLifetime {
    /// Until it is revoked, as far as known.
    Unlimited,
    /// As long as its access token.
    AsAccessToken,
    /// This long after it was issued.
    Fixed(Duration),
}

/// What happens to a token in memory while the store cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreDown {
    /// It is served until it expires, with an event.
    Serve,
    /// It is refused once it has missed two comparisons, so an account that another process
    /// disconnected is not served.
    Refuse,
}

/// The number of times a write that only takes a lease is tried.
pub(crate) const TRIES: u8 = 3;

/// The lease of a device code in leases. It is held for minutes, and each renewal is a write: a
/// longer one takes fewer of them, and another process waits longer after a crash.
const DEVICE_LEASES: u32 = 3;

/// The minimum age of a token even if its refresh token lives only for seconds.
const LEAST_FLOOR: Duration = Duration::from_secs(1);

/// The maximum pause, even if a server asks for a longer one.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Rules {
    /// Returns whether a lease whose write was first sent this long ago has enough left to send a
    /// request and renew the lease.
    pub(crate) fn may_send(&self, elapsed: Duration) -> bool {
        elapsed <= self.lease / 2
    }

    /// Returns how long after taking its lease the holder renews it.
    pub(crate) fn renew_after(&self) -> Duration {
        self.lease / 3
    }

    /// Returns how long other processes leave a device code alone.
    pub(crate) fn device_lease(&self) -> Duration {
        self.lease.saturating_mul(DEVICE_LEASES)
    }

    /// Returns whether the lease of a device code has room for a poll.
    pub(crate) fn may_poll(&self, elapsed: Duration) -> bool {
        elapsed <= self.device_lease() / 2
    }

    /// Returns how old the lease of a device code is when a poll renews it.
    pub(crate) fn renew_device_after(&self) -> Duration {
        self.device_lease() / 3
    }

    /// Returns the pause after `failures` failures: exponential with full jitter, and at least what
    /// the server asks for. `roll` lies in `0.0..1.0`.
    pub(crate) fn backoff(
        &self,
        failures: u32,
        most: Duration,
        retry_after: Option<Duration>,
        roll: f64,
    ) -> Duration {
        let doubled = self
            .backoff_first
            .saturating_mul(1 << failures.saturating_sub(1).min(16))
            .min(most);
        let rolled = doubled.mul_f64(roll).max(self.backoff_first / 2);
        rolled.max(retry_after.unwrap_or_default()).min(DAY)
    }

    /// Returns how long before its expiry a token becomes stale, before jitter.
    #[must_use]
    pub fn stale_window(&self, lifetime: Duration) -> Duration {
        lifetime
            .mul_f64(self.stale_share)
            .clamp(self.stale_least, self.stale_most.max(self.stale_least))
            .min(lifetime / 2)
            .min(self.not_before.unwrap_or(Duration::MAX))
    }

    /// Returns the earliest time of a refresh ahead of expiry; 0 if the provider sets none.
    pub(crate) fn earliest_refresh(&self, times: &Times) -> WallMillis {
        match (times.expires_at, self.not_before) {
            (Some(expires_at), Some(ahead)) => expires_at.saturating_sub(millis(ahead)),
            _ => 0,
        }
    }

    /// Returns how long after the issue of a refresh token a use of it leads to a refresh, so that
    /// it does not expire while idle.
    pub(crate) fn keep_alive_after(&self, refresh_life: Duration) -> Duration {
        refresh_life.mul_f64(self.keep_alive_share)
    }

    /// Returns the lifetime of a refresh token, as its answer or these rules say, whichever is
    /// shorter; `None` if unknown.
    pub(crate) fn refresh_life(&self, times: &Times) -> Option<Duration> {
        let stated = times.refresh_lifetime();
        match self.refresh_lifetime {
            RefreshLifetime::Unlimited => stated,
            // A zero lifetime says nothing about the refresh token.
            RefreshLifetime::AsAccessToken => {
                stated.or(times.lifetime().filter(|lifetime| !lifetime.is_zero()))
            }
            RefreshLifetime::Fixed(life) => Some(stated.map_or(life, |stated| stated.min(life))),
        }
    }

    /// Returns the minimum age of a token whose refresh token lives this long.
    pub(crate) fn floor(&self, refresh_life: Option<Duration>) -> Duration {
        match refresh_life {
            // A refresh token whose end no refresh moves must not be presented ever more often.
            Some(life) => self.floor.min((life / 2).max(LEAST_FLOOR)),
            None => self.floor,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
