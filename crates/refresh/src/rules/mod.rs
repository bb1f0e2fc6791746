//! The durations and identities that an account works with.

use std::time::Duration;

use crate::id::Id;

/// What the provider and the options ask for. All accounts of one provider at one site share it.
#[derive(Clone, Debug)]
pub struct Rules {
    /// This incarnation of this process.
    pub holder: Id,
    /// A digest of the client's configuration.
    pub configuration: Id,
    /// How long others leave an attempt alone.
    pub lease: Duration,
    /// Between the repeats of a write.
    pub store_retry: Duration,
    /// How long a call to the store may take.
    pub store_timeout: Duration,
    /// Between two looks at another's attempt, where the store does not notify.
    pub poll: Duration,
    /// The first pause after a failed refresh.
    pub backoff_first: Duration,
    /// The longest pause after a failure of the endpoint.
    pub backoff_most: Duration,
    /// The longest pause after a refusal that names no grant, and after a failed revocation.
    pub refusal_most: Duration,
    /// How long refusals without a reason are put up with after a lost answer, before a login is
    /// asked for.
    pub patience: Duration,
    /// The stale window as a share of the token's lifetime, and its bounds.
    pub stale_share: f64,
    /// The least stale window.
    pub stale_least: Duration,
    /// The longest stale window.
    pub stale_most: Duration,
    /// No token is refreshed ahead of its expiry sooner than this after it was issued.
    pub floor: Duration,
    /// How long a refresh token lives without being used.
    pub refresh_lifetime: RefreshLifetime,
    /// A use after this share of it refreshes.
    pub keep_alive_share: f64,
    /// How often memory is compared with the store.
    pub revalidation: Duration,
    /// What happens to tokens in memory while the store is unreachable.
    pub store_down: StoreDown,
    /// The first hold-off after a fresh token was rejected too.
    pub rejection_first: Duration,
    /// The longest one.
    pub rejection_most: Duration,
    /// The old access token may die when the refresh token is presented.
    pub old_token_dies: bool,
    /// The provider can revoke.
    pub revokes: bool,
    /// A revocation ends no other authorization of the account.
    pub revokes_alone: bool,
}

/// How long a refresh token lives without being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshLifetime {
    /// Until it is revoked, as far as is known.
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
    /// It is served until it expires, and an event says so.
    Serve,
    /// It is refused once two revalidations are overdue: no account that was disconnected elsewhere
    /// is served.
    Refuse,
}

/// How often a write that only takes a lease is tried.
pub(crate) const TRIES: u8 = 3;

/// No pause is longer, whatever a server asks for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Rules {
    /// Whether enough of a lease whose write was first sent this long ago is left to send and to
    /// renew it.
    pub(crate) fn may_send(&self, elapsed: Duration) -> bool {
        elapsed <= self.lease / 2
    }

    /// How long after its lease was taken the holder renews it.
    pub(crate) fn renew_after(&self) -> Duration {
        self.lease / 3
    }

    /// Exponential with full jitter; what the server asks for is a lower bound. `roll` lies in
    /// `0.0..1.0`.
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

    /// How long before its expiry a token counts as stale, before jitter.
    #[must_use]
    pub fn stale_window(&self, lifetime: Duration) -> Duration {
        lifetime
            .mul_f64(self.stale_share)
            .clamp(self.stale_least, self.stale_most.max(self.stale_least))
            .min(lifetime / 2)
    }

    /// How long a refresh token lives whose access token lives this long; `None`: nothing is known.
    #[must_use]
    pub fn refresh_life(&self, access_life: Option<Duration>) -> Option<Duration> {
        match self.refresh_lifetime {
            RefreshLifetime::Unlimited => None,
            RefreshLifetime::AsAccessToken => access_life,
            RefreshLifetime::Fixed(life) => Some(life),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
