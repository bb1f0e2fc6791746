//! The application's handle to the engine.

mod builder;
mod confirmation;
mod events;
mod flows;
mod login;
mod lookup;
mod shutdown;

use std::{sync::Arc, time::Duration};

use http::Uri;
use tokenkeeper_protocol::Provider;

pub use builder::AccountsBuilder;
pub use confirmation::Confirmation;
pub use events::{Event, Events};
pub use login::FlowInfo;
pub use shutdown::Unwritten;

use crate::{
    account::Account,
    engine::{Core, registry},
    error::Error,
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
}

/// Returns the engine of an account.
impl From<&Account> for Accounts {
    fn from(account: &Account) -> Self {
        Self::from_core(account.parts().0.clone())
    }
}
