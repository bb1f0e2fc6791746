//! Connections to the file, with SQLite's settings for durability.

mod compact;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};
use tokenkeeper_store::StoreError;

pub(crate) use self::compact::compact;
use crate::fault::Fault;
use crate::settings::Settings;
use crate::{file, schema};

/// The pause before a retry where SQLite itself does not wait.
///
/// It refuses at once to switch to a write-ahead log, and to recover one, while another process
/// does the same.
const RETRY: Duration = Duration::from_millis(5);

/// The size of a page in bytes.
///
/// Most records are of 1 to 8 KiB. They fill small pages: a record of 2.2 KB takes 2.6 KB of the
/// file, and 4.2 KB with pages of 4 KiB, as one page holds a single record. A write also logs less.
pub(crate) const PAGE_BYTES: u32 = 1024;

/// The unit of the limit that [`SqliteOptions::max_pages`](crate::SqliteOptions::max_pages) sets.
const LIMIT_UNIT: u64 = 4096;

/// The most pages that SQLite lets a file have.
const MAX_PAGE_COUNT: u64 = 4_294_967_294;

/// The length in bytes to which the `-wal` file is truncated after a checkpoint.
pub(crate) const LOG_BYTES: u32 = 4 * 1024 * 1024;

/// Opens or creates the file, and migrates it to the schema of this version. It blocks.
pub(crate) fn open(settings: &Settings) -> Result<Connection, StoreError> {
    file::create(&settings.path)?;
    let deadline = Instant::now() + settings.busy_timeout;
    loop {
        match file::check_files(settings).and_then(|()| try_open(settings)) {
            Err(fault) if fault.is_busy() && Instant::now() < deadline => thread::sleep(RETRY),
            Err(fault) => return Err(fault.at(&settings.path)),
            Ok(connection) => return Ok(connection),
        }
    }
}

fn try_open(settings: &Settings) -> Result<Connection, Fault> {
    let connection = connect(settings)?;
    schema::inspect(&connection)?;
    make_durable(&connection)?;
    admit(&connection, settings)?;
    // Before the limit, so that a file at its limit can be opened and made room in.
    schema::migrate(&connection)?;
    if let Some(limit) = settings.max_pages {
        limit_pages(&connection, limit)?;
    }
    Ok(connection)
}

/// Connects to an existing file that may be written, without reading it.
fn connect(settings: &Settings) -> Result<Connection, Fault> {
    let connection = attach(&settings.path)?;
    // Another user may have put a log next to the file since the check. Until the next check, it is
    // not copied into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(settings.busy_timeout)?;
    expect_writable(&connection)?;
    Ok(connection)
}

/// Checks the files again, all of which SQLite has open after a read, and closes them to others.
///
/// Before, the file may be another program's, whose rights are left as they are.
fn admit(connection: &Connection, settings: &Settings) -> Result<(), Fault> {
    file::check_files(settings)?;
    file::close_files(settings)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Connects to a file, and trusts neither its schema nor its pages.
///
/// Triggers stay on, since ours end claims: [`schema::inspect`] refuses others. Extensions cannot
/// be loaded unless a connection asks for it.
pub(crate) fn attach(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        // A name in quotes is never a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(config, value)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Makes all writes durable, and gives a new file its page size.
fn make_durable(connection: &Connection) -> Result<(), Fault> {
    // This has no effect on an existing file, whose pages only `compact` replaces.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::NoSharedMemory);
    }
    sync_writes(connection)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    Ok(())
}

fn sync_writes(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "synchronous", "full")?;
    // On macOS a plain fsync leaves data in the drive's cache; elsewhere these change nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // Deleted content is overwritten with zeros.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    Ok(())
}

/// Limits the file to a number of pages of [`LIMIT_UNIT`], whatever its own pages are.
fn limit_pages(connection: &Connection, limit: u32) -> Result<(), Fault> {
    let bytes = u64::from(limit) * LIMIT_UNIT;
    let pages = (bytes / page_bytes(connection)?.max(1)).clamp(1, MAX_PAGE_COUNT);
    // It returns the new value, which `pragma_update` does not accept.
    connection.pragma_update_and_check(None, "max_page_count", pages.cast_signed(), |_| Ok(()))?;
    Ok(())
}

fn page_bytes(connection: &Connection) -> Result<u64, Fault> {
    let bytes: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    Ok(bytes.into())
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
