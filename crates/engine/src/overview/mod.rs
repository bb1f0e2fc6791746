//! How many accounts of the store are in which state.

mod walk;

use std::{sync::Arc, time::SystemTime};

use tokenkeeper_store::StoreError;
use tokio::task::JoinSet;

use crate::{engine::Core, error::Error, health::AccountHealth};

/// How many accounts the store has in which state, as
/// [`Accounts::overview`](crate::Accounts::overview) returns it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Overview {
    /// When it was begun, by this process's clock. Accounts count as due if they are due before.
    pub at: SystemTime,
    /// The counts of each provider, in the order of
    /// [`Accounts::providers`](crate::Accounts::providers).
    pub providers: Vec<ProviderOverview>,
    /// The accounts that belong to no configured provider: those of another application.
    pub others: usize,
    /// An error for each part of the store that could not be listed. If there is one, the counts
    /// are lower bounds.
    pub unread: Vec<StoreError>,
}

/// How many accounts of one provider are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderOverview {
    /// The provider's brand.
    pub brand: String,
    /// All accounts that the store has a record of, disconnected ones too.
    pub accounts: usize,
    /// The accounts that can be refreshed: they have a refresh token that was not refused for good.
    pub refreshable: usize,
    /// The refreshable accounts that are due for a refresh.
    pub due: usize,
    /// The accounts that have been due for more than a minute, so that the refreshers are behind or
    /// none runs.
    pub overdue: usize,
    /// The accounts that are marked: their last refresh failed, or tokens remain to be revoked.
    pub attention: usize,
    /// The marked accounts whose health is unknown: their record cannot be read, or more than
    /// 10,000 accounts are marked.
    pub unread: usize,
    /// The marked accounts by health, in the order of [`AccountHealth::ALL`].
    marked: [usize; AccountHealth::ALL.len()],
    /// The marked accounts that can be refreshed, as far as their record was read.
    marked_refreshable: usize,
}

impl ProviderOverview {
    /// Returns the number of marked accounts with this health.
    ///
    /// A marked account that is [healthy](AccountHealth::Healthy) has tokens of an earlier login
    /// that remain to be revoked. All healthy accounts are counted by [`healthy`](Self::healthy).
    #[must_use]
    pub fn marked(&self, health: AccountHealth) -> usize {
        let at = AccountHealth::ALL.iter().position(|each| *each == health);
        at.map_or(0, |at| self.marked[at])
    }

    /// Returns the number of refreshable accounts whose last refresh did not fail. With
    /// [`unread`](Self::unread) ones, it may be that much too high.
    #[must_use]
    pub fn healthy(&self) -> usize {
        let troubled = self
            .marked_refreshable
            .saturating_sub(self.marked(AccountHealth::Healthy));
        self.refreshable.saturating_sub(troubled)
    }
}

/// Counts the accounts of the store, on the engine's runtime. Dropping the future stops it.
///
/// # Errors
/// [`Error::Listing`] if the store cannot list.
pub(crate) async fn overview(core: &Arc<Core>) -> Result<Overview, Error> {
    let mut task = JoinSet::new();
    task.spawn_on(walk::count(core.clone()), &core.runtime.handle()?);
    let counted = task.join_next().await;
    // The task dies only with the runtime.
    let overview = counted
        .and_then(Result::ok)
        .unwrap_or(Err(Error::ShutDown))?;
    core.metrics.note_overview(core, &overview);
    Ok(overview)
}
