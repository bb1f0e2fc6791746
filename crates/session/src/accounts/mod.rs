//! The engine, as an application holds it.

mod builder;
mod shutdown;

use std::sync::Arc;

use futures_core::Stream;
use http::Uri;
use tokenkeeper_protocol::Provider;
use tokenkeeper_store::Key;

pub use builder::AccountsBuilder;
pub use shutdown::Unwritten;

use crate::{
    Account, Attaches, Error, Event, Refresher,
    engine::{Core, Home},
    event,
};

/// All accounts of an application: its providers, its store, and the refreshes under way.
///
/// Cheap to clone and to share. Made by [`Accounts::builder`]; call [`shutdown`](Self::shutdown) before `main` returns.
#[derive(Clone, Debug)]
pub struct Accounts {
    core: Arc<Core>,
}

impl Accounts {
    pub(crate) fn from_core(core: Arc<Core>) -> Self {
        Self { core }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The account of `subject` at the provider with this brand. No I/O.
    ///
    /// The subject is the application's own name for the connection, chosen before the redirect.
    ///
    /// # Errors
    /// [`Error::UnknownProvider`]; [`Error::Subject`] for an empty or overlong one; [`Error::Protocol`] where the provider has a site per
    /// tenant: see [`account_at`](Self::account_at).
    #[inline]
    pub fn account(&self, brand: &str, subject: &str) -> Result<Account, Error> {
        if let Some(home) = self.core.home_of_brand(brand) {
            let slot = self.core.slot(home, subject)?;
            return Ok(Account::new(self.core.clone(), slot));
        }
        self.resolve(brand, None, subject)
    }

    /// The account of `subject` at one site of a provider that has a site per tenant. No I/O.
    ///
    /// Where several providers of one brand are configured, the site tells which.
    ///
    /// # Errors
    /// As [`account`](Self::account), and [`Error::Protocol`] for a site that the application does not allow.
    pub fn account_at(&self, brand: &str, site: &str, subject: &str) -> Result<Account, Error> {
        self.resolve(brand, Some(site), subject)
    }

    /// What happens to accounts, from now on. A subscriber that falls far behind misses the oldest.
    pub fn events(&self) -> impl Stream<Item = Event> + Send + Unpin + use<> {
        event::stream(self.core.events.subscribe())
    }

    /// A worker that keeps all accounts of the store fresh, used or not; it does nothing before it is [run](Refresher::run).
    pub fn refresher(&self) -> Refresher {
        Refresher::new(self.clone())
    }

    /// Whether a request to this target could be one of a configured provider's API.
    #[must_use]
    pub fn owns(&self, target: &Uri) -> bool {
        self.core.owns(target)
    }

    /// The configured providers, in the order in which they were added.
    pub fn providers(&self) -> impl Iterator<Item = &dyn Provider> + '_ {
        self.core.providers.iter().map(AsRef::as_ref)
    }

    /// Where the configured providers want their tokens.
    pub fn attaches(&self) -> impl Iterator<Item = Attaches> + '_ {
        self.core
            .providers
            .iter()
            .map(|provider| Attaches::of(provider.client().dialect()))
    }

    #[cold]
    fn resolve(&self, brand: &str, site: Option<&str>, subject: &str) -> Result<Account, Error> {
        let index = self.index_of(brand, site)?;
        self.at(index, site, subject)
    }

    /// The account that a key names.
    pub(crate) fn account_by_id(
        &self,
        brand: &str,
        client_id: &str,
        site: &str,
        subject: &str,
    ) -> Result<Account, Error> {
        let index = self.index_by_id(brand, client_id, site);
        let index = index.ok_or_else(|| unknown(brand, ": it is no longer configured"))?;
        let tenant = base_of(&self.core.providers[index]).is_none();
        self.at(index, tenant.then_some(site), subject)
    }

    /// The provider that a stored key belongs to, and the site; `None` where it is not of ours.
    pub(crate) fn home_of(&self, key: &Key) -> Option<(usize, Arc<Home>)> {
        let index = self.index_by_id(key.brand(), key.client_id(), key.base())?;
        let provider = &self.core.providers[index];
        let site = Some(key.base()).filter(|_| base_of(provider).is_none());
        let home = self.core.home(index, provider, site).ok()?;
        (home.site.as_str() == key.base()).then_some((index, home))
    }

    fn index_by_id(&self, brand: &str, client_id: &str, site: &str) -> Option<usize> {
        self.core.providers.iter().position(|provider| {
            provider.brand() == brand
                && provider.client().registration().client_id() == client_id
                && base_of(provider).is_none_or(|base| base == site)
        })
    }

    fn at(&self, index: usize, site: Option<&str>, subject: &str) -> Result<Account, Error> {
        let provider = &self.core.providers[index];
        let site = site.filter(|_| base_of(provider).is_none());
        let home = self.core.home(index, provider, site)?;
        let slot = self.core.slot(&home, subject)?;
        Ok(Account::new(self.core.clone(), slot))
    }

    fn index_of(&self, brand: &str, site: Option<&str>) -> Result<usize, Error> {
        let providers = &self.core.providers;
        let of_brand = (0..providers.len()).filter(|&i| providers[i].brand() == brand);
        let wanted = |i: &usize| {
            site.is_none_or(|site| base_of(&providers[*i]).is_none_or(|base| base == site))
        };
        let mut fits = of_brand.filter(wanted);
        match (fits.next(), fits.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(unknown(
                brand,
                " with this base is configured: add it with `AccountsBuilder::provider`",
            )),
            (Some(_), Some(_)) => Err(unknown(
                brand,
                " alone says which: several are configured, name the base with `account_at`",
            )),
        }
    }
}

fn base_of(provider: &Arc<dyn Provider>) -> Option<&str> {
    let base = provider.client().dialect().base.as_ref()?;
    Some(base.as_str())
}

fn unknown(brand: &str, hint: &'static str) -> Error {
    Error::UnknownProvider {
        brand: brand.to_owned(),
        hint,
    }
}
