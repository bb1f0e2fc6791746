//! What can be done to a file: somebody else holds its lock.

use std::{path::Path, thread, time::Duration};

use crate::BoxError;

/// Holds the lock of writers for a while.
pub(crate) async fn lock(path: &Path, length: Duration) -> Result<(), BoxError> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        thread::sleep(length);
        connection.execute_batch("ROLLBACK")?;
        Ok(())
    })
    .await?
}
