//! Connections to the file, with SQLite's settings for durability.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, ffi};
use tokenkeeper_store::StoreError;

use crate::fault::Fault;
use crate::settings::Settings;
use crate::{file, schema};

/// The pause before a retry where SQLite itself does not wait.
///
/// It refuses at once to switch to a write-ahead log, and to recover one, while another process
/// does the same.
const RETRY: Duration = Duration::from_millis(5);

/// The length in bytes to which the `-wal` file is truncated after a checkpoint.
const LOG_BYTES: u32 = 4 * 1024 * 1024;

/// Opens or creates the file, and migrates it to the schema of this version. It blocks.
pub(crate) fn open(settings: &Settings) -> Result<Connection, StoreError> {
    file::create(&settings.path)?;
    let deadline = Instant::now() + settings.busy_timeout;
    loop {
        match try_open(settings) {
            Err(fault) if fault.is_busy() && Instant::now() < deadline => thread::sleep(RETRY),
            Err(fault) => return Err(fault.at(&settings.path)),
            Ok(connection) => return Ok(connection),
        }
    }
}

fn try_open(settings: &Settings) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&settings.path, flags)?;
    connection.busy_timeout(settings.busy_timeout)?;
    // Neither the schema of a file nor its pages are trusted.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    expect_writable(&connection)?;
    schema::inspect(&connection)?;
    make_durable(&connection)?;
    // Before the limit, so that a file at its limit can be opened and made room in.
    schema::migrate(&connection)?;
    if let Some(pages) = settings.max_pages {
        // It returns the new value, which `pragma_update` does not accept.
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(connection)
}

fn make_durable(connection: &Connection) -> Result<(), Fault> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::NoSharedMemory);
    }
    connection.pragma_update(None, "synchronous", "full")?;
    // On macOS a plain fsync leaves data in the drive's cache; elsewhere these change nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // Deleted content is overwritten with zeros.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    Ok(())
}

/// Fails for a file that may only be read: SQLite would report that at the first write.
fn expect_writable(connection: &Connection) -> Result<(), Fault> {
    if connection.is_readonly("main")? {
        let error = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(error, None).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
