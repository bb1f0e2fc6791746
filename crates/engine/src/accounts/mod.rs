//! The application's handle to the engine.

mod builder;
mod confirmation;
mod events;
mod login;
mod shutdown;

use std::{sync::Arc, time::Duration};

use http::Uri;
use tokenkeeper_protocol::{Provider, Redirect};

pub use builder::AccountsBuilder;
pub use confirmation::Confirmation;
pub use events::{Event, Events};
pub use login::FlowInfo;
pub use shutdown::Unwritten;

use crate::{
    account::Account,
    device::{self, DeviceFlowInfo},
    engine::{Core, auditing, registry},
    error::Error,
    flow::{self, DeviceContents, DeviceFlow, Flow, FlowContents},
    login::Login,
    overview::{self, Overview},
    placement::TokenPlacement,
    refresher::{Backlog, Refresher},
};

/// The engine of an application: its providers, its store and the refreshes in flight.
///
/// Handles are cheap to clone. [`Accounts::builder`] creates the engine; call
/// [`shutdown`](Self::shutdown) before `main` returns.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let account = accounts.account("amiqus", "user-42")?;
/// assert_eq!(account.provider(), "amiqus");
///
/// if let Err(unwritten) = accounts.shutdown(Duration::from_secs(10)).await {
///     eprintln!("{unwritten}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Accounts {
    core: Arc<Core>,
}

impl Accounts {
    pub(crate) fn from_core(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Returns the account of `subject` at the provider with this brand. No I/O.
    ///
    /// The subject is the application's name for the connection, chosen before the redirect.
    ///
    /// # Errors
    /// - [`Error::UnknownProvider`] if no provider or more than one has this brand.
    /// - [`Error::Subject`] if the subject is empty or too long.
    /// - [`Error::ReservedSubject`] if it is `forgotten:` or `claimed:` and a SHA-256 digest.
    /// - [`Error::Protocol`] if the provider has a site per tenant: use
    ///   [`account_at`](Self::account_at).
    #[inline]
    pub fn account(&self, brand: &str, subject: &str) -> Result<Account, Error> {
        if let Some(site) = registry::site_of_brand(&self.core, brand) {
            let entry = registry::entry(&self.core, site, subject)?;
            return Ok(Account::new(self.core.clone(), entry));
        }
        self.resolve(brand, None, subject)
    }

    /// Returns the account of `subject` at one site of a provider with a site per tenant. No I/O.
    ///
    /// If several providers have this brand, `site` selects the one with this base.
    ///
    /// # Errors
    /// As [`account`](Self::account), and [`Error::Protocol`] if the provider's configuration does
    /// not allow the site.
    pub fn account_at(&self, brand: &str, site: &str, subject: &str) -> Result<Account, Error> {
        self.resolve(brand, Some(site), subject)
    }

    /// Returns the events of all accounts from now on. A subscriber that is more than 1024 events
    /// behind misses the oldest ones, and [is told](Events::missed) how many.
    pub fn events(&self) -> Events {
        Events::new(&self.core)
    }

    /// Returns a worker that keeps all accounts of the store fresh, even unused ones. It does
    /// nothing before [`Refresher::run`].
    pub fn refresher(&self) -> Refresher {
        Refresher::new(self.core.clone())
    }

    /// Returns the due accounts of each provider, in the order of
    /// [`providers`](Self::providers), as the refreshers of this process know them; without one,
    /// there are none. No I/O.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
    /// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
    /// for (provider, backlog) in accounts.providers().zip(accounts.backlogs()) {
    ///     println!("{}: {} due, {:?} late", provider.brand(), backlog.due, backlog.late);
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn backlogs(&self) -> Vec<Backlog> {
        let (providers, now) = (self.core.providers.len(), self.core.time.wall());
        self.core.backlogs.read(providers, now)
    }

    /// Counts the accounts of the store by provider, health, and whether they are due.
    ///
    /// For a dashboard or a job that runs every few minutes, not for each request. The counts come
    /// from the store's index, without opening records: it lists all accounts twice and the due
    /// ones again, 250 keys at a time. Only the records of accounts that are marked for attention
    /// are read, at most 10,000 of them and 8 at once, since the index does not say why an account
    /// is marked. Memory holds one page. The counts are not of one moment: accounts change
    /// meanwhile.
    ///
    /// ```
    /// use tokenkeeper_engine::{AccountHealth, protocol::TokenSet};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
    /// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
    /// let account = accounts.account("amiqus", "user-42")?;
    /// account.adopt(TokenSet::new("access-1").with_refresh_token("refresh-1")).await?;
    ///
    /// let overview = accounts.overview().await?;
    /// for provider in &overview.providers {
    ///     let lost = provider.marked(AccountHealth::ReauthorizationRequired);
    ///     println!(
    ///         "{}: {} healthy, {lost} need a login, {} due, {} of them late",
    ///         provider.brand, provider.healthy(), provider.due, provider.overdue,
    ///     );
    /// }
    /// assert_eq!(overview.providers[0].healthy(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - [`Error::Listing`] if the store cannot list accounts. A store that fails is no error:
    ///   [`Overview::unread`] says what is missing.
    /// - [`Error::NoRuntime`] if there is no runtime and no thread can be started.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future stops the counting.
    pub async fn overview(&self) -> Result<Overview, Error> {
        overview::overview(&self.core).await
    }

    /// Returns whether the target is on the API of a configured provider.
    ///
    /// The site of a tenant, and an origin that only a login names, count while memory has a
    /// connected account there: one with tokens. To type a site makes it no API of ours.
    #[must_use]
    pub fn allows(&self, target: &Uri) -> bool {
        registry::allows(&self.core, target)
    }

    /// Returns the configured providers in the order in which they were added.
    pub fn providers(&self) -> impl Iterator<Item = &dyn Provider> + '_ {
        self.core.providers.iter().map(AsRef::as_ref)
    }

    /// Returns where each configured provider expects its tokens.
    pub fn placements(&self) -> impl Iterator<Item = TokenPlacement> + '_ {
        self.core
            .providers
            .iter()
            .map(|provider| TokenPlacement::of(provider.client().dialect()))
    }

    /// Finishes a login with the redirect's parameters: exchanges the code, writes the tokens, and
    /// returns the account with what else the login brought.
    ///
    /// A code is never sent twice. If the callback comes again, to this process or another one that
    /// shares the store, the second call waits for the first and returns its result.
    ///
    /// [`LoginRedirect`](crate::LoginRedirect) has an example.
    ///
    /// # Errors
    /// - [`Error::Redirect`] if the person denied, or the redirect belongs to another flow.
    /// - [`Error::ConfirmationRequired`] if the redirect has no state, as at some providers.
    ///   Nothing was sent: ask the person, then call [`finish_confirmed`](Self::finish_confirmed).
    /// - [`Error::Flow`] if the flow is expired or sealed with another key, or its code was refused
    ///   before.
    /// - [`Error::Exchange`] if the token endpoint gave no tokens. Start the login again, unless
    ///   the endpoint could not be reached: the code is still good then.
    /// - [`Error::Store`], [`Error::Record`], [`Error::StoreTooSlow`] and
    ///   [`Error::RevocationPending`] if nothing was sent. The same call may succeed later, while
    ///   the flow and the code are valid.
    /// - [`Error::Superseded`] if a newer login or a disconnect came first.
    /// - [`Error::Timeout`] if no result came in time. The login may still succeed: check
    ///   [`Account::status`], and start again if the account is not connected.
    /// - [`Error::UnknownProvider`] if the flow's provider is no longer configured, and
    ///   [`Error::ShutDown`] after a shutdown.
    /// - [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: after the first poll, the exchange continues and its tokens are written even if
    /// the future is dropped.
    pub async fn finish(&self, flow: Flow, redirect: Redirect) -> Result<Login, Error> {
        self.finish_with(&flow, &redirect, None).await
    }

    /// Finishes a login like [`finish`](Self::finish), also with a redirect that has no state: the
    /// confirmation says what proves in its place that the redirect belongs to the login.
    ///
    /// The code is not exchanged before. An exchange would write down an attempt for the account
    /// and redeem a code that may be a stranger's, and its answer seldom names a person.
    ///
    /// ```
    /// use tokenkeeper_engine::{Confirmation, Error};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let world = tokenkeeper_test_support::World::ioffice();
    /// # let accounts = world.accounts.clone();
    /// # let (flow, redirect) = world.approved_login().await;
    /// # let ask_the_person = |_: &str| true;
    /// let login = match accounts.finish(flow.clone(), redirect.clone()).await {
    ///     Err(Error::ConfirmationRequired { .. }) => {
    ///         let account = accounts.flow(&flow)?.account;
    ///         let question = format!("Connect {} at {}?", account.provider(), account.site());
    ///         if !ask_the_person(&question) {
    ///             return Ok(()); // The account is as it was.
    ///         }
    ///         accounts.finish_confirmed(flow, redirect, Confirmation::ByPerson).await?
    ///     }
    ///     finished => finished?,
    /// };
    /// # assert_eq!(login.account.provider(), "ioffice");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`finish`](Self::finish), except for [`Error::ConfirmationRequired`]. After a site has
    /// returned the state of a login in this process, one without it is refused with
    /// [`RedirectError::StateMissing`](tokenkeeper_protocol::RedirectError::StateMissing), whatever
    /// a person confirms.
    ///
    /// # Cancel safety
    ///
    /// As [`finish`](Self::finish).
    pub async fn finish_confirmed(
        &self,
        flow: Flow,
        redirect: Redirect,
        confirmation: Confirmation,
    ) -> Result<Login, Error> {
        self.finish_with(&flow, &redirect, Some(confirmation)).await
    }

    async fn finish_with(
        &self,
        flow: &Flow,
        redirect: &Redirect,
        confirmation: Option<Confirmation>,
    ) -> Result<Login, Error> {
        auditing::admit(&self.core).await?;
        let opened = self.open(flow);
        let opened = opened.and_then(|contents| Ok((self.account_of(&contents)?, contents)));
        let (account, contents) = opened.inspect_err(|error| {
            auditing::record_refused_callback(&self.core, None, error);
        })?;
        login::finish(&account, &contents, redirect, confirmation).await?;
        Ok(Login::of(account))
    }

    /// Finishes a login by device code that another call or process has started, as
    /// [`DeviceLogin::finish`](crate::DeviceLogin::finish) does.
    ///
    /// # Errors
    /// As [`DeviceLogin::finish`](crate::DeviceLogin::finish), and:
    ///
    /// - [`Error::Flow`] if the flow is expired or sealed with another key.
    /// - [`Error::UnknownProvider`] if the flow's provider is no longer configured.
    ///
    /// # Cancel safety
    ///
    /// As [`DeviceLogin::finish`](crate::DeviceLogin::finish).
    pub async fn finish_device(&self, flow: DeviceFlow) -> Result<Login, Error> {
        let (account, contents) = self.open_device(&flow)?;
        device::finish(&account, &contents).await?;
        Ok(Login::of(account))
    }

    /// Returns what is known about a flow by device code, without finishing it.
    ///
    /// # Errors
    /// [`Error::Flow`] if the flow is expired or sealed with another key, and
    /// [`Error::UnknownProvider`] if its provider is no longer configured.
    pub fn device_flow(&self, flow: &DeviceFlow) -> Result<DeviceFlowInfo, Error> {
        let (account, contents) = self.open_device(flow)?;
        Ok(DeviceFlowInfo::of(account, &contents))
    }

    fn open_device(&self, flow: &DeviceFlow) -> Result<(Account, DeviceContents), Error> {
        let contents = flow::open_device(&self.core.flow_key, flow, self.core.time.wall())?;
        let account = self.account_of_key(
            &contents.brand,
            &contents.client_id,
            &contents.site,
            &contents.subject,
        )?;
        Ok((account, contents))
    }

    /// Returns what is known about a flow, without finishing it.
    ///
    /// # Errors
    /// [`Error::Flow`] if the flow is expired or sealed with another key, and
    /// [`Error::UnknownProvider`] if its provider is no longer configured.
    pub fn flow(&self, flow: &Flow) -> Result<FlowInfo, Error> {
        let contents = self.open(flow)?;
        login::info(self.account_of(&contents)?, &contents)
    }

    /// Refuses new work, waits until operations in flight end, and writes all unwritten tokens and
    /// the rest of the audit trail. It takes at most `deadline`.
    ///
    /// Call it before `main` returns: responses still in flight are lost when the runtime ends.
    ///
    /// # Errors
    /// [`Unwritten`] names the accounts whose newest tokens did not reach the store in time, and
    /// counts the audit entries that did not reach their sink. Call `shutdown` again to wait
    /// longer.
    ///
    /// # Cancel safety
    ///
    /// The engine stays closed if the future is dropped. Call `shutdown` again to continue the
    /// wait.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Unwritten> {
        shutdown::shutdown(&self.core, deadline).await
    }

    #[cold]
    fn resolve(&self, brand: &str, site: Option<&str>, subject: &str) -> Result<Account, Error> {
        let index = self.index_of(brand, site)?;
        self.account_by_index(index, site, subject)
    }

    fn open(&self, flow: &Flow) -> Result<FlowContents, Error> {
        flow::open(&self.core.flow_key, flow, self.core.time.wall())
    }

    /// Returns the account that a flow connects.
    fn account_of(&self, flow: &FlowContents) -> Result<Account, Error> {
        self.account_of_key(&flow.brand, &flow.client_id, &flow.site, &flow.subject)
    }

    /// Returns the account with these parts of a key.
    fn account_of_key(
        &self,
        brand: &str,
        client_id: &str,
        site: &str,
        subject: &str,
    ) -> Result<Account, Error> {
        let index = registry::index_by_id(&self.core, brand, client_id, site);
        let index = index.ok_or_else(|| unknown(brand, "is no longer configured"))?;
        self.account_by_index(index, Some(site), subject)
    }

    /// Returns an account of the provider with this index.
    fn account_by_index(
        &self,
        index: usize,
        site: Option<&str>,
        subject: &str,
    ) -> Result<Account, Error> {
        let provider = &self.core.providers[index];
        let site = site.filter(|_| registry::base_of(provider).is_none());
        let chosen = site;
        let site = registry::site(&self.core, index, chosen).inspect_err(|_| {
            if let Some(chosen) = chosen {
                auditing::record_refused_site(&self.core, provider.brand(), chosen);
            }
        })?;
        let entry = registry::entry(&self.core, &site, subject)?;
        Ok(Account::new(self.core.clone(), entry))
    }

    /// Returns the index of the only provider with this brand, and with this base if it has one.
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
            (None, _) if site.is_some() => Err(unknown(
                brand,
                "is not configured with this base: add it with `AccountsBuilder::provider`",
            )),
            (None, _) => Err(unknown(
                brand,
                "is not configured: add it with `AccountsBuilder::provider`",
            )),
            (Some(_), Some(_)) => Err(unknown(
                brand,
                "is configured more than once: name the base with `account_at`",
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

/// Returns the engine of an account.
impl From<&Account> for Accounts {
    fn from(account: &Account) -> Self {
        Self::from_core(account.parts().0.clone())
    }
}
