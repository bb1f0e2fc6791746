//! Shutdown: flushes unwritten tokens and reports any that remain.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    account::Account,
    engine::{Core, closing},
};

/// The accounts that [`Accounts::shutdown`](crate::Accounts::shutdown) could not write in time.
///
/// `Debug` and `Display` show digests only.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
#[error("{} account(s) have tokens that are not written: {accounts:?}", accounts.len())]
pub struct Unwritten {
    /// The affected accounts: their newest tokens are only in memory, or a token request is still
    /// in flight. These tokens are lost if the process ends now.
    pub accounts: Vec<Account>,
}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Closes the engine and waits until no token is at risk, for at most `deadline`.
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
