//! The end: no token that was handed to us stays only in memory unnamed.

use std::{fmt, sync::atomic::Ordering, time::Duration};

use super::Accounts;
use crate::Account;

/// What had not reached the store when [`Accounts::shutdown`] ran out of time. `Debug` and `Display` show digests only.
#[derive(Clone, thiserror::Error)]
#[error("{} account(s) have work under way or tokens that are not written: {accounts:?}", accounts.len())]
pub struct Unwritten {
    /// The accounts concerned: their newest tokens may be lost when the process ends now.
    pub accounts: Vec<Account>,
}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Accounts {
    /// Refuses new work, lets what is under way end, and writes what is not written yet, for at most `deadline`.
    ///
    /// Required before `main` returns: a runtime that ends takes with it the answers that are on their way. Not cancel safe in effect: after
    /// a dropped call the engine stays closed; call it again to wait on.
    ///
    /// # Errors
    /// [`Unwritten`] names the accounts whose newest tokens had not reached the store in time. Waiting again may still write them.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Unwritten> {
        self.core.closing.store(true, Ordering::Release);
        self.core.hurry.notify_waiters();
        if tokio::time::timeout(deadline, self.core.drained())
            .await
            .is_ok()
        {
            return Ok(());
        }
        let mut accounts: Vec<Account> = self
            .core
            .running()
            .into_iter()
            .map(|slot| Account::new(self.core.clone(), slot))
            .collect();
        accounts.sort_by_key(|account| account.digest().to_string());
        accounts.dedup_by_key(|account| account.digest());
        Err(Unwritten { accounts })
    }
}
