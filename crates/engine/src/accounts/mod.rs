//! The engine, as an application holds it.

mod builder;
mod login;
mod shutdown;

use std::sync::Arc;

use std::time::Duration;

use futures_core::Stream;
use futures_util::stream;
use http::Uri;
use tokenkeeper_protocol::{Provider, Redirect};
use tokio::sync::broadcast::error::RecvError;

pub use builder::AccountsBuilder;
pub use login::FlowInfo;
pub use shutdown::Unwritten;

use crate::{
    account::Account,
    engine::{Core, registry},
    error::Error,
    event::EventKind,
    flow::{Flow, Opened},
    placement::TokenPlacement,
    refresher::Refresher,
};

/// Something that happened to an account. `Debug` names the account by its digest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The affected account.
    pub account: Account,
    /// What happened.
    pub kind: EventKind,
}

/// All accounts of an application: its providers, its store, and the refreshes under way.
///
/// Cheap to clone and to share. Made by [`Accounts::builder`]; call [`shutdown`](Self::shutdown)
/// before `main` returns.
#[derive(Clone, Debug)]
pub struct Accounts {
    core: Arc<Core>,
}

impl Accounts {
    pub(crate) fn from_core(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The account of `subject` at the provider with this brand. No I/O.
    ///
    /// The subject is the application's own name for the connection, chosen before the redirect.
    ///
    /// # Errors
    /// [`Error::UnknownProvider`]; [`Error::Subject`] for an empty or overlong one;
    /// [`Error::Protocol`] where the provider has a site per tenant: see
    /// [`account_at`](Self::account_at).
    #[inline]
    pub fn account(&self, brand: &str, subject: &str) -> Result<Account, Error> {
        if let Some(site) = registry::site_of_brand(&self.core, brand) {
            let entry = registry::entry(&self.core, site, subject)?;
            return Ok(Account::new(self.core.clone(), entry));
        }
        self.resolve(brand, None, subject)
    }

    /// The account of `subject` at one site of a provider that has a site per tenant. No I/O.
    ///
    /// Where several providers of one brand are configured, the site tells which.
    ///
    /// # Errors
    /// As [`account`](Self::account), and [`Error::Protocol`] for a site that the application does
    /// not allow.
    pub fn account_at(&self, brand: &str, site: &str, subject: &str) -> Result<Account, Error> {
        self.resolve(brand, Some(site), subject)
    }

    /// Returns the events of all accounts from now on. A subscriber that falls far behind misses
    /// the oldest ones.
    pub fn events(&self) -> impl Stream<Item = Event> + Send + Unpin + use<> {
        // Weak, so that a subscriber does not keep the engine alive.
        let core = Arc::downgrade(&self.core);
        let events = self.core.events.subscribe();
        Box::pin(stream::unfold((core, events), |(core, mut events)| async {
            loop {
                match events.recv().await {
                    Ok((entry, kind)) => {
                        let account = Account::new(core.upgrade()?, entry);
                        return Some((Event { account, kind }, (core, events)));
                    }
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "a subscriber of events fell behind");
                    }
                    Err(RecvError::Closed) => return None,
                }
            }
        }))
    }

    /// A worker that keeps all accounts of the store fresh, used or not; it does nothing before it
    /// is [run](Refresher::run).
    pub fn refresher(&self) -> Refresher {
        Refresher::new(self.core.clone())
    }

    /// Whether a request to this target could be one of a configured provider's API.
    #[must_use]
    pub fn allows(&self, target: &Uri) -> bool {
        registry::allows(&self.core, target)
    }

    /// The configured providers, in the order in which they were added.
    pub fn providers(&self) -> impl Iterator<Item = &dyn Provider> + '_ {
        self.core.providers.iter().map(AsRef::as_ref)
    }

    /// Where the configured providers want their tokens.
    pub fn placements(&self) -> impl Iterator<Item = TokenPlacement> + '_ {
        self.core
            .providers
            .iter()
            .map(|provider| TokenPlacement::of(provider.client().dialect()))
    }

    #[cold]
    fn resolve(&self, brand: &str, site: Option<&str>, subject: &str) -> Result<Account, Error> {
        let index = self.index_of(brand, site)?;
        self.at(index, site, subject)
    }

    /// Finishes a login with what the redirect brought: exchanges the code, once, and writes the
    /// tokens.
    ///
    /// Cancel safe: the exchange goes on and its tokens are written, even if no caller waits.
    ///
    /// # Errors
    /// [`Error::Redirect`] for a denial or a redirect that is not this flow's, [`Error::Flow`],
    /// [`Error::Exchange`] when the token endpoint gave no tokens (start again: a code is never
    /// sent twice). [`Error::Store`] and [`Error::RevocationPending`] mean that nothing was
    /// sent: the same call may succeed later, while the flow and the code last. [`Error::Timeout`]
    /// says nothing of the login: ask for the account's status, and start again if it is not
    /// connected.
    pub async fn finish(&self, flow: Flow, redirect: Redirect) -> Result<Account, Error> {
        let opened = login::opened(&self.core, &flow)?;
        let account = self.account_of(&opened)?;
        login::finish(&account, &opened, &redirect).await?;
        Ok(account)
    }

    /// Returns whose login a flow is, without ending it.
    ///
    /// # Errors
    /// [`Error::Flow`] for one that is not ours, expired or used; [`Error::UnknownProvider`] when
    /// its provider is no longer configured.
    pub fn flow(&self, flow: &Flow) -> Result<FlowInfo, Error> {
        let opened = login::opened(&self.core, flow)?;
        login::info(self.account_of(&opened)?, &opened)
    }

    /// Refuses new work, lets what is in flight end, and writes what is not written yet, for at
    /// most `deadline`.
    ///
    /// Required before `main` returns: a runtime that ends takes with it the answers that are on
    /// their way. Not cancel safe in effect: after a dropped call the engine stays closed; call
    /// it again to wait on.
    ///
    /// # Errors
    /// [`Unwritten`] names the accounts whose newest tokens had not reached the store in time.
    /// Waiting again may still write them.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Unwritten> {
        shutdown::shutdown(&self.core, deadline).await
    }

    fn account_of(&self, opened: &Opened) -> Result<Account, Error> {
        let (brand, site) = (&opened.brand, &opened.site);
        let index = registry::index_by_id(&self.core, brand, &opened.client_id, site);
        let index = index.ok_or_else(|| unknown(brand, ": it is no longer configured"))?;
        self.at(index, Some(site), &opened.subject)
    }

    fn at(&self, index: usize, site: Option<&str>, subject: &str) -> Result<Account, Error> {
        let provider = &self.core.providers[index];
        let site = site.filter(|_| registry::base_of(provider).is_none());
        let site = registry::site(&self.core, index, site)?;
        let entry = registry::entry(&self.core, &site, subject)?;
        Ok(Account::new(self.core.clone(), entry))
    }

    fn index_of(&self, brand: &str, site: Option<&str>) -> Result<usize, Error> {
        let providers = &self.core.providers;
        let of_brand = (0..providers.len()).filter(|&i| providers[i].brand() == brand);
        let wanted = |i: &usize| {
            site.is_none_or(|site| {
                registry::base_of(&providers[*i]).is_none_or(|base| base == site)
            })
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

fn unknown(brand: &str, hint: &'static str) -> Error {
    Error::UnknownProvider {
        brand: brand.to_owned(),
        hint,
    }
}

/// The engine that an account belongs to.
impl From<&Account> for Accounts {
    fn from(account: &Account) -> Self {
        Self::from_core(account.parts().0.clone())
    }
}
