//! A connection to the file, as safe as SQLite can make it.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, ffi};
use tokenkeeper_store::StoreError;

use crate::fault::Fault;
use crate::settings::Settings;
use crate::{file, schema};

/// How long to wait before trying again where SQLite itself does not wait: the change to a write-ahead log and the
/// recovery of one are refused at once while others do the same.
const RETRY: Duration = Duration::from_millis(5);

/// The file grows in its log until a checkpoint; after one, the log is cut to this many bytes.
const LOG_BYTES: u32 = 4 * 1024 * 1024;

/// Opens the file, creates it if nothing is there, and brings it to this version's schema. It blocks.
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
    // What the schema of a file says is not trusted, and what its pages say is checked.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    expect_writable(&connection)?;
    schema::inspect(&connection)?;
    make_durable(&connection)?;
    if let Some(pages) = settings.max_pages {
        // It answers with what holds now, hence not `pragma_update`.
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    schema::migrate(&connection)?;
    Ok(connection)
}

fn make_durable(connection: &Connection) -> Result<(), Fault> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::NoSharedMemory);
    }
    connection.pragma_update(None, "synchronous", "full")?;
    // On macOS a plain fsync leaves data in the drive; elsewhere these two change nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // What is deleted is overwritten in the file.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    Ok(())
}

/// SQLite opens a file that it may only read without a word, and would say so at the first write.
fn expect_writable(connection: &Connection) -> Result<(), Fault> {
    if connection.is_readonly("main")? {
        let error = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(error, None).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
