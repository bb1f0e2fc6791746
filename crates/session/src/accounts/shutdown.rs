//! The end: no token that was handed to us stays only in memory unnamed.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future;

use super::Accounts;
use crate::{
    Account,
    engine::{Slot, keep},
};

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
            // What tasks left that ended with their runtime need not wait for those that go on, nor they for each other.
            let rest = async {
                core.drained().await;
                self.flush(core.at_risk()).await;
            };
            future::join(rest, self.flush(core.orphans())).await;
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

    async fn flush(&self, slots: Vec<Arc<Slot>>) {
        let flush = |slot| async move { keep::flush(&self.core, &slot).await };
        future::join_all(slots.into_iter().map(flush)).await;
    }
}
