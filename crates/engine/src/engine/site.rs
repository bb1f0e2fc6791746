//! The state that all accounts of a provider at one site share.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Uri;
use tokenkeeper_protocol::{
    AddressPolicy, ApiOrigin, LoginData, OldAccessToken, Origin, Provider, RefreshLifetime,
    RevocationReach,
};
use tokenkeeper_refresh::{self as refresh, Id, Rules};
use tokenkeeper_store::Key;

use super::{
    origins::Origins,
    payload::{Payload, Shared},
    snapshot::Attached,
};
use crate::{episode::Episode, error::Error, options::Options, placement::TokenPlacement};

/// A provider at one site, with the rules for its accounts.
#[derive(Debug)]
pub(crate) struct ProviderSite {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) site: Origin,
    pub(crate) placement: TokenPlacement,
    pub(crate) rules: Rules,
    pub(crate) origins: Box<[ApiOrigin]>,
    pub(crate) id: SiteId,
    pub(crate) shared: Shared,
    /// What the log knows of this site: its token requests and revocations, refusals of the
    /// client, its clock, tokens that cannot be attached or are rejected at once, and the pauses of
    /// a refresher.
    pub(crate) token_requests: Episode,
    pub(crate) revocations: Episode,
    pub(crate) client_refusals: Episode,
    pub(crate) clock: Episode,
    pub(crate) unattachable: Episode,
    pub(crate) rejections: Episode,
    pub(crate) pauses: Episode,
    /// The number of connected accounts in memory.
    connected: Mutex<usize>,
}

/// The id of a site within a process: a digest of brand, base URL and client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SiteId(pub(crate) [u64; 2]);

impl SiteId {
    pub(crate) fn of(key: &Key) -> Self {
        let Id(half) = first_half(key.place_digest());
        let half = u128::from_be_bytes(half);
        Self([(half >> 64) as u64, half as u64])
    }
}

impl ProviderSite {
    pub(crate) fn new(
        provider: Arc<dyn Provider>,
        site: Origin,
        holder: Id,
        options: &Options,
    ) -> Result<Self, Error> {
        // All keys of this site have the same place, so any subject will do.
        let id = SiteId::of(&key(&*provider, &site, "-")?);
        let dialect = provider.client().dialect();
        let placement = TokenPlacement::of(dialect);
        let grace = dialect.refresh.grace_seconds.map(Duration::from_secs);
        let reach = dialect.revocation.as_ref().map(|rules| rules.reaches);
        let rules = Rules {
            holder,
            configuration: first_half(provider.configuration_digest()),
            backoff_first: options.initial_backoff,
            backoff_most: options.max_backoff,
            refusal_most: options.max_refusal_backoff,
            patience: options.suspect_timeout,
            stale_share: options.refresh_fraction,
            stale_least: options.min_refresh_window,
            stale_most: options.max_refresh_window,
            floor: options.min_refresh_interval,
            not_before: dialect.not_before(),
            refresh_lifetime: match dialect.refresh.lifetime {
                RefreshLifetime::Unlimited => refresh::RefreshLifetime::Unlimited,
                RefreshLifetime::AsAccessToken => refresh::RefreshLifetime::AsAccessToken,
                RefreshLifetime::Fixed(life) => refresh::RefreshLifetime::Fixed(life),
            },
            keep_alive_share: dialect.refresh.keep_alive_share,
            tombstone_ttl: options.tombstone_ttl,
            memory_ttl: options.idle_timeout,
            revalidation: options.revalidate_interval,
            watched_revalidation: options.watched_revalidate_interval,
            store_down: options.store_down,
            rejection_first: options.initial_rejection_backoff,
            rejection_most: options.max_rejection_backoff,
            old_token_dies: dialect.refresh.old_access_token != OldAccessToken::Valid,
            revokes: reach.is_some(),
            revokes_alone: matches!(
                reach,
                Some(RevocationReach::ThisToken | RevocationReach::Authorization)
            ),
            lease: options.lease_within(grace),
            store_retry: shorten(options.store_retry_interval, options, grace),
            store_timeout: options.lease_within(grace) / 4,
            poll: shorten(options.poll_interval, options, grace),
        };
        Ok(Self {
            id,
            shared: Shared::default(),
            token_requests: Episode::default(),
            revocations: Episode::default(),
            client_refusals: Episode::default(),
            clock: Episode::default(),
            unattachable: Episode::default(),
            rejections: Episode::default(),
            pauses: Episode::default(),
            connected: Mutex::default(),
            origins: provider.api_origins(&site, &LoginData::default()).into(),
            provider,
            site,
            placement,
            rules,
        })
    }

    /// Counts an account that was connected. With the first one the site's origins are ours.
    pub(super) fn count_connected(&self, origins: &Origins) {
        let mut connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *connected == 0 {
            origins.add(&self.origins);
        }
        *connected += 1;
    }

    /// Counts an account that was disconnected or has left memory.
    pub(super) fn count_disconnected(&self, origins: &Origins) {
        let mut connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *connected = connected.saturating_sub(1);
        if *connected == 0 {
            origins.remove(&self.origins);
        }
    }

    /// Finds the origins that only the login of these tokens names.
    pub(super) fn find_login_origins(&self, payload: &Payload) {
        payload.find_login_origins(|login_data| self.login_origins(login_data));
    }

    /// Returns the API origins that are not the site's. A panic of the provider counts as none.
    fn login_origins(&self, login_data: &LoginData) -> Box<[ApiOrigin]> {
        let all = AssertUnwindSafe(|| self.provider.api_origins(&self.site, login_data));
        let mut origins = catch_unwind(all).unwrap_or_default();
        origins.retain(|origin| !self.origins.contains(origin));
        origins.into()
    }

    /// Returns the addresses that a request to this target may go to. `None`: any.
    pub(crate) fn address_policy(&self, target: &Uri) -> Option<AddressPolicy> {
        let client = self.provider.client();
        client.address_policy(&self.site, target)
    }

    /// Returns whether a person chose the site, so that there may be any number of them.
    pub(crate) fn is_chosen(&self) -> bool {
        self.provider.client().dialect().base.is_none()
    }

    /// Returns whether a login could name the origin of this target.
    pub(crate) fn login_may_allow(&self, target: &Uri) -> bool {
        let rules = &self.provider.client().dialect().api_origins_from;
        rules.iter().any(|rule| rule.covers(target))
    }

    /// Builds the attachment of a token. A panic of the provider counts as an error.
    pub(crate) fn attach(&self, payload: &Payload) -> Result<Attached, Error> {
        let (token, token_type) = (&payload.access_token, payload.token_type());
        let attach = AssertUnwindSafe(|| self.provider.attach(token, token_type));
        match catch_unwind(attach) {
            Ok(attachment) => Ok(attachment?.into()),
            Err(_) => Err(Error::Build("`Provider::attach` panicked".to_owned())),
        }
    }

    pub(crate) fn key(&self, subject: &str) -> Result<Key, Error> {
        key(&*self.provider, &self.site, subject)
    }

    /// Returns whether the site's tokens may be sent to this target.
    #[inline(always)]
    pub(crate) fn allows(&self, target: &Uri) -> bool {
        self.allows_first(target) || self.allows_other(target)
    }

    /// Returns whether the target is the site's first origin. Most sites have one.
    #[inline(always)]
    pub(crate) fn allows_first(&self, target: &Uri) -> bool {
        let first = self.origins.first();
        first.is_some_and(|first| first.matches(target))
    }

    #[cold]
    fn allows_other(&self, target: &Uri) -> bool {
        let mut others = self.origins.iter().skip(1);
        others.any(|origin| origin.matches(target))
    }
}

/// Shortens a pause that must fit into a lease several times, by the same share by which a grace
/// window shortens the lease.
fn shorten(pause: Duration, options: &Options, grace: Option<Duration>) -> Duration {
    let share = options.lease_within(grace).as_secs_f64() / options.lease.as_secs_f64();
    pause.mul_f64(share)
}

fn key(provider: &dyn Provider, site: &Origin, subject: &str) -> Result<Key, Error> {
    let client_id = provider.client().registration().client_id();
    Key::new(provider.brand(), site.as_str(), client_id, subject)
        .map_err(|error| Error::Subject(Arc::new(error)))
}

fn first_half(digest: [u8; 32]) -> Id {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Id(half)
}
