//! Shutdown: flushes unwritten tokens and the audit trail, and reports what remains.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    account::Account,
    engine::{Core, closing},
};

/// What [`Accounts::shutdown`](crate::Accounts::shutdown) could not write in time.
///
/// `Debug` and `Display` show digests only.
#[derive(Clone)]
#[non_exhaustive]
pub struct Unwritten {
    /// The affected accounts: their newest tokens are only in memory, or a token request is still
    /// in flight. These tokens are lost if the process ends now.
    pub accounts: Vec<Account>,
    /// The number of entries of the audit trail that its sink has not taken. They are lost if the
    /// process ends now.
    pub audit_entries: u64,
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (accounts, entries) = (&self.accounts, self.audit_entries);
        if !accounts.is_empty() || entries == 0 {
            let count = accounts.len();
            write!(
                f,
                "{count} account(s) have tokens that are not written: {accounts:?}"
            )?;
        }
        if !accounts.is_empty() && entries > 0 {
            f.write_str("; ")?;
        }
        if entries > 0 {
            write!(f, "{entries} audit entries are not written")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unwritten {}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Closes the engine and waits until no token is at risk and the audit trail is written, for at
/// most `deadline`.
pub(super) async fn shutdown(core: &Arc<Core>, deadline: Duration) -> Result<(), Unwritten> {
    let left = closing::close(core, deadline).await;
    if left.entries.is_empty() && left.audit_entries == 0 {
        return Ok(());
    }
    let account = |entry| Account::new(core.clone(), entry);
    Err(Unwritten {
        accounts: left.entries.into_iter().map(account).collect(),
        audit_entries: left.audit_entries,
    })
}
