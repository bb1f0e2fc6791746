//! The end: no token that was handed to us stays only in memory unnamed.

use std::{fmt, time::Duration};

use super::Accounts;
use crate::{Account, engine::keep};

/// What had not reached the store when [`Accounts::shutdown`] ran out of time. `Debug` and `Display` show digests only.
#[derive(Clone, thiserror::Error)]
#[error("{} account(s) have tokens that are not written: {accounts:?}", accounts.len())]
pub struct Unwritten {
    /// The accounts concerned: tokens are in memory only, or a token endpoint has not answered yet. They are lost if the
    /// process ends now.
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
        let core = &self.core;
        core.close();
        core.hurry.notify_waiters();
        let flushed = async {
            core.drained().await;
            // What is left belonged to tasks that ended with their runtime.
            for slot in core.at_risk() {
                keep::flush(core, &slot).await;
            }
        };
        let _ = tokio::time::timeout(deadline, flushed).await;
        let accounts: Vec<Account> = core
            .at_risk()
            .into_iter()
            .map(|slot| Account::new(core.clone(), slot))
            .collect();
        if accounts.is_empty() {
            Ok(())
        } else {
            Err(Unwritten { accounts })
        }
    }
}
