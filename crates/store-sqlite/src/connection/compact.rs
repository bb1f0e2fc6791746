//! The rewrite of a file in pages of today's size.

use rusqlite::Connection;
use tokenkeeper_store::StoreError;

use super::{PAGE_BYTES, admit, connect, make_durable, page_bytes, sync_writes};
use crate::fault::Fault;
use crate::options::Compaction;
use crate::settings::Settings;
use crate::{file, schema};

/// Rewrites the file while no other connection has it open. It blocks.
pub(crate) fn compact(settings: &Settings) -> Result<Compaction, StoreError> {
    try_compact(settings).map_err(|fault| fault.at(&settings.path))
}

fn try_compact(settings: &Settings) -> Result<Compaction, Fault> {
    file::check_files(settings)?;
    let connection = connect(settings)?;
    // From the first read until the connection is closed, no other one can be opened.
    connection.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
    schema::inspect(&connection)?;
    admit(&connection, settings)?;
    let before = bytes(&connection)?;
    // With a write-ahead log, SQLite keeps the size of the pages. If this process ends before the
    // log is back, the next one that opens the file brings it back.
    connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    sync_writes(&connection)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.execute_batch("VACUUM")?;
    make_durable(&connection)?;
    schema::migrate(&connection)?;
    let after = bytes(&connection)?;
    Ok(Compaction { before, after })
}

/// Returns the size of the file with all that is still in its log.
fn bytes(connection: &Connection) -> Result<u64, Fault> {
    let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    Ok(u64::from(pages) * page_bytes(connection)?)
}
