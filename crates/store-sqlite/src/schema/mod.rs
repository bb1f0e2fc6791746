//! The tables, and how a file of an older schema becomes one of this.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::fault::Fault;

/// What the file says that it is: `tkpr`, as SQLite's `PRAGMA application_id`.
const APPLICATION_ID: i32 = 0x746b_7072;

/// The schema that this version reads and writes, kept in `PRAGMA user_version`.
const VERSION: u32 = MIGRATIONS.len() as u32;

/// The first makes an empty file one of schema 1; each further one brings the schema before it to the next.
/// What was released is never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("schema_1.sql")];

/// Looks at what is at the path, and touches nothing.
///
/// # Errors
/// A file that is not ours, or of a newer schema.
pub(crate) fn inspect(connection: &Connection) -> Result<(), Fault> {
    let (application_id, version, objects) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        (),
        |row| Ok((row.get(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let is_empty = application_id == 0 && version == 0 && objects == 0;
    if application_id != APPLICATION_ID && !is_empty {
        return Err(Fault::OtherProgram(application_id));
    }
    expect_at_most(version.cast_unsigned(), VERSION)
}

/// Brings the file to the schema of this version, whole or not at all, while nobody else writes.
pub(crate) fn migrate(connection: &Connection) -> Result<(), Fault> {
    migrate_by(connection, MIGRATIONS)
}

/// That the file, as the transaction under way sees it, has not been brought to a newer schema by somebody else.
pub(crate) fn check(connection: &Connection) -> Result<(), Fault> {
    expect_at_most(version(connection)?, VERSION)
}

fn migrate_by(connection: &Connection, migrations: &[&str]) -> Result<(), Fault> {
    let newest = migrations.len() as u32;
    if version(connection)? == newest {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let from = version(&transaction)?;
    expect_at_most(from, newest)?;
    for migration in &migrations[from as usize..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<u32, Fault> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version.cast_unsigned())
}

fn expect_at_most(found: u32, supported: u32) -> Result<(), Fault> {
    if found > supported {
        return Err(Fault::Newer { found, supported });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
