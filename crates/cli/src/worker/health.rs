//! What `/health` shows.

use std::time::Duration;

use serde::Serialize;
use tokenkeeper::{
    Accounts,
    operating::Backlog,
    store::{ErrorChain, TokenStore},
};

/// The health of a worker.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: HealthStatus,
    /// What is wrong with the store.
    store: Option<String>,
    providers: Vec<ProviderHealth>,
}

/// Whether a worker does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum HealthStatus {
    Ok,
    StoreFails,
    /// A signal has arrived: only what is in flight is finished.
    Draining,
}

/// The backlog of a provider.
#[derive(Debug, Serialize)]
struct ProviderHealth {
    provider: String,
    /// Accounts that are due and wait.
    due: usize,
    /// Accounts that are visited now.
    in_flight: usize,
    /// How long the account that waits longest has been due.
    late_seconds: u64,
}

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

impl Health {
    /// Asks the store, and reads the backlogs.
    pub(super) async fn read(
        accounts: &Accounts,
        store: &dyn TokenStore,
        is_draining: bool,
    ) -> Self {
        let checked = tokio::time::timeout(STORE_TIMEOUT, store.check_health()).await;
        let store = match checked {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(ErrorChain::of(&error).to_string()),
            Err(_) => Some(format!("no answer within {STORE_TIMEOUT:?}")),
        };
        let status = match (is_draining, &store) {
            (true, _) => HealthStatus::Draining,
            (false, Some(_)) => HealthStatus::StoreFails,
            (false, None) => HealthStatus::Ok,
        };
        let backlogs = accounts.providers().zip(accounts.backlogs());
        Self {
            status,
            store,
            providers: backlogs
                .map(|(provider, backlog)| ProviderHealth::new(provider.brand(), &backlog))
                .collect(),
        }
    }

    /// Returns whether the worker does its work.
    pub(super) fn is_ok(&self) -> bool {
        self.status == HealthStatus::Ok
    }
}

impl ProviderHealth {
    fn new(brand: &str, backlog: &Backlog) -> Self {
        Self {
            provider: brand.to_owned(),
            due: backlog.due,
            in_flight: backlog.in_flight,
            late_seconds: backlog.late.as_secs(),
        }
    }
}
