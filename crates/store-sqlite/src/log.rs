//! The size of the write-ahead log, which grows while a reader does not end.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::connection::{LOG_BYTES, attach};
use crate::error::{SqliteError, WHO};

/// The part of the limit at which the writer warns.
const WARNED_PART: u64 = 16;

/// The least size at which it warns: SQLite cuts a log to half of it.
const LEAST_WARNED_BYTES: u64 = 2 * LOG_BYTES as u64;

/// Watches the log as it is written, and warns once for each time that it grows too large.
#[derive(Debug)]
pub(crate) struct LogWatch {
    file: PathBuf,
    warned_bytes: u64,
    /// The largest size since the warning; `None`: the log is small enough, or no reader holds it.
    largest: Cell<Option<u64>>,
}

impl LogWatch {
    pub(crate) fn new(file: &Path, limit: u64) -> Self {
        Self {
            file: file.to_owned(),
            warned_bytes: (limit / WARNED_PART).max(LEAST_WARNED_BYTES),
            largest: Cell::new(None),
        }
    }

    /// Looks at the log after a commit by `connection`.
    pub(crate) fn look(&self, connection: &Connection) {
        let bytes = log_bytes(&self.file);
        let file = self.file.display();
        match self.largest.get() {
            None if bytes >= self.warned_bytes && is_held(connection) => {
                self.largest.set(Some(bytes));
                tracing::warn!(
                    %file,
                    bytes,
                    "the write-ahead log of the store grows because a reader does not end: {WHO}"
                );
            }
            None => {}
            // SQLite cuts it once no reader holds it.
            Some(largest) if bytes < self.warned_bytes => {
                self.largest.set(None);
                tracing::info!(%file, largest, "the write-ahead log of the store is small again");
            }
            Some(largest) => self.largest.set(Some(largest.max(bytes))),
        }
    }
}

/// Fails if the log of `file` has `limit` bytes or more and a reader holds it. It blocks.
pub(crate) fn check(file: &Path, limit: u64) -> Result<(), SqliteError> {
    let bytes = log_bytes(file);
    if bytes < limit {
        return Ok(());
    }
    if attach(file).is_ok_and(|connection| is_held(&connection)) {
        let path = file.to_owned();
        return Err(SqliteError::LogHeld { path, bytes });
    }
    Ok(())
}

fn log_bytes(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    // A file without a log has no `-wal` file.
    fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// Returns whether a reader keeps the log from being written to the file, by trying to write it.
///
/// A reader or another process that does the same at this moment is no error and no delay.
fn is_held(connection: &Connection) -> bool {
    let pages = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| {
        Ok((
            row.get::<_, bool>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?,
        ))
    });
    pages.is_ok_and(|(is_busy, logged, written)| !is_busy && written < logged)
}
