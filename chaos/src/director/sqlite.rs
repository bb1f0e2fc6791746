//! The fault of a SQLite file: another process holds its lock.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode};

use crate::BoxError;

/// Holds the write lock for `length`.
///
/// Returns false if the lock is not free: a worker may be stopped while it holds it.
pub(super) async fn lock(path: &Path, length: Duration) -> Result<bool, BoxError> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        match connection.execute_batch("BEGIN IMMEDIATE") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                return Ok(false);
            }
            begun => begun?,
        }
        thread::sleep(length);
        connection.execute_batch("ROLLBACK")?;
        Ok(true)
    })
    .await?
}
