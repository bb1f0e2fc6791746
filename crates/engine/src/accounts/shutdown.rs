//! Shutdown: writes what is not written, and reports what remains.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    account::Account,
    engine::{Core, closing},
};

/// What had not reached the store when [`Accounts::shutdown`](crate::Accounts::shutdown) ran out of
/// time. `Debug` and `Display` show digests only.
#[derive(Clone, thiserror::Error)]
#[error("{} account(s) have tokens that are not written: {accounts:?}", accounts.len())]
pub struct Unwritten {
    /// The accounts concerned: tokens are in memory only, or a token endpoint has not answered
    /// yet. They are lost if the process ends now.
    pub accounts: Vec<Account>,
}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Closes the engine and waits until nothing is at risk.
pub(super) async fn shutdown(core: &Arc<Core>, deadline: Duration) -> Result<(), Unwritten> {
    let entries = closing::close(core, deadline).await;
    if entries.is_empty() {
        return Ok(());
    }
    let account = |entry| Account::new(core.clone(), entry);
    Err(Unwritten {
        accounts: entries.into_iter().map(account).collect(),
    })
}
