//! Everything that the accounts of one provider at one site have in common.

use std::{sync::Arc, time::Duration};

use http::Uri;
use tokenkeeper_protocol::{OldAccess, Origin, Provider, Reach};

use tokenkeeper_store::Key;

use super::known::Shared;
use crate::{Error, machine::Rules, options::Options, source::Attaches};

#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) site: Origin,
    pub(crate) attaches: Attaches,
    /// The old access token may die at a refresh.
    pub(crate) old_token_dies: bool,
    pub(crate) rules: Rules,
    pub(crate) pace: Pace,
    pub(crate) origins: Box<[Origin]>,
    pub(crate) id: HomeId,
    pub(crate) shared: Shared,
}

/// Tells the homes of a process apart: a digest of brand, base URL and client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HomeId(pub(crate) [u64; 2]);

impl HomeId {
    pub(crate) fn of(key: &Key) -> Self {
        let half = first_half(key.place_digest());
        Self([(half >> 64) as u64, half as u64])
    }
}

/// The lengths of an attempt and of everything that has to happen within it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) deadline: Duration,
    pub(crate) lease: Duration,
    pub(crate) store_retry: Duration,
    pub(crate) poll: Duration,
}

impl Pace {
    /// Lease plus deadline stay within a provider's grace window, so that a replay still finds it open; the rest shrinks with them.
    fn new(options: &Options, grace_seconds: Option<u64>) -> Self {
        let whole = options.deadline + options.lease;
        let shrink = match grace_seconds.map(Duration::from_secs) {
            Some(grace) if !grace.is_zero() && grace <= whole => {
                0.9 * grace.as_secs_f64() / whole.as_secs_f64()
            }
            _ => 1.0,
        };
        Self {
            deadline: options.deadline.mul_f64(shrink),
            lease: options.lease.mul_f64(shrink),
            store_retry: options.store_retry.mul_f64(shrink),
            poll: options.poll.mul_f64(shrink),
        }
    }

    /// How long a call to the store may take: a write that hangs is sent again well within a lease.
    pub(crate) fn store_limit(&self) -> Duration {
        self.lease / 4
    }
}

impl Home {
    pub(crate) fn new(
        provider: Arc<dyn Provider>,
        site: Origin,
        holder: u128,
        options: &Options,
    ) -> Result<Self, Error> {
        // Any subject will do: all keys of this home have the same place.
        let id = HomeId::of(&key(&*provider, &site, "-")?);
        let dialect = provider.client().dialect();
        let attaches = Attaches::of(dialect);
        let reach = dialect.revocation.as_ref().map(|rules| rules.reaches);
        let old_token_dies = dialect.refresh.old_access_token != OldAccess::Lives;
        let pace = Pace::new(options, dialect.refresh.grace_seconds);
        let rules = Rules {
            holder,
            configuration: first_half(provider.configuration()),
            lease: pace.lease,
            deadline: pace.deadline,
            store_retry: pace.store_retry,
            backoff_first: options.backoff_first,
            backoff_most: options.backoff_most,
            revokes: reach.is_some(),
            revokes_alone: matches!(reach, Some(Reach::ThisToken | Reach::Authorization)),
        };
        Ok(Self {
            id,
            shared: Shared::default(),
            origins: provider.api_origins(&site).into(),
            provider,
            site,
            attaches,
            old_token_dies,
            rules,
            pace,
        })
    }

    pub(crate) fn key(&self, subject: &str) -> Result<Key, Error> {
        key(&*self.provider, &self.site, subject)
    }

    #[inline(always)]
    pub(crate) fn owns(&self, target: &Uri) -> bool {
        // Mostly there is one.
        self.origins
            .first()
            .is_some_and(|first| first.matches(target))
            || self.owns_beside(target)
    }

    #[cold]
    fn owns_beside(&self, target: &Uri) -> bool {
        let mut others = self.origins.iter().skip(1);
        others.any(|origin| origin.matches(target))
    }
}

fn key(provider: &dyn Provider, site: &Origin, subject: &str) -> Result<Key, Error> {
    let client_id = provider.client().registration().client_id();
    Key::new(provider.brand(), site.as_str(), client_id, subject)
        .map_err(|error| Error::Subject(Arc::new(error)))
}

fn first_half(digest: [u8; 32]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}
