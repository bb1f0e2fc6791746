//! Pauses of the sites of a provider whose token endpoint fails or asks for one.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::{engine::ProviderSite, options::Options};

/// The pauses of one provider, by site: a provider may have a site per tenant.
#[derive(Default)]
pub(super) struct Pauses(HashMap<String, Pause>);

/// The pause of one site.
struct Pause {
    until: Instant,
    /// Consecutive failures.
    failures: u32,
}

impl Pauses {
    /// Returns when the pause of a site ends, if it has one.
    pub(super) fn until(&self, site: &ProviderSite, now: Instant) -> Option<Instant> {
        let pause = self.0.get(site.site.as_str())?;
        (now < pause.until).then_some(pause.until)
    }

    /// Returns when the last pause of all sites ends or ended.
    pub(super) fn end(&self) -> Option<Instant> {
        self.0.values().map(|pause| pause.until).max()
    }

    /// Resets the failures of a site whose token endpoint responded.
    pub(super) fn reset_failures(&mut self, site: &ProviderSite, now: Instant) {
        let Some(pause) = self.0.get_mut(site.site.as_str()) else {
            return;
        };
        pause.failures = 0;
        if pause.until <= now {
            self.0.remove(site.site.as_str());
        }
    }

    /// Pauses a site after a failure, for at least the time that the server asked for. Returns the
    /// length of the pause if it is a new one.
    ///
    /// `roll` is in `0.0..1.0`.
    pub(super) fn pause(
        &mut self,
        site: &ProviderSite,
        retry_after: Duration,
        options: &Options,
        roll: f64,
        now: Instant,
    ) -> Option<Duration> {
        let pause = self.0.entry(site.site.as_str().to_owned());
        let pause = pause.or_insert(Pause {
            until: now,
            failures: 0,
        });
        // A visit that was in flight when the pause began is no further failure.
        let is_new = now >= pause.until;
        if is_new {
            pause.failures = pause.failures.saturating_add(1);
        }
        let doubled = options
            .initial_backoff
            .saturating_mul(1 << pause.failures.saturating_sub(1).min(16))
            .min(options.max_backoff);
        // The jitter keeps workers apart. It only adds, since `retry_after` is a lower bound.
        let wait = doubled.max(retry_after.min(DAY)).mul_f64(1.0 + roll / 10.0);
        pause.until = pause.until.max(now + wait);
        is_new.then_some(wait)
    }
}

/// The longest `Retry-After` that is honoured.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
