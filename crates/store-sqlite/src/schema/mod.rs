//! The tables, and the migration of files with an older schema.

mod objects;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::fault::Fault;

/// The application id of our files, `tkpr`, in SQLite's `PRAGMA application_id`.
const APPLICATION_ID: i32 = 0x746b_7072;

/// The schema that this version reads and writes, kept in `PRAGMA user_version`.
const VERSION: u32 = MIGRATIONS.len() as u32;

/// The first creates schema 1 in an empty file; each of the others leads from one schema to the
/// next. A released one never changes what a version can read and write.
const MIGRATIONS: &[&str] = &[include_str!("schema_1.sql")];

/// What was added to schema 1, in statements that may be repeated.
///
/// Processes of a version without it go on to read and write the file, so it needs no new number.
/// During a rolling update, an old process must be able to write the tokens that it holds. Versions
/// from this one on refuse objects that they do not know, so what comes later needs a new number.
const ADDITIONS: &str = include_str!("additions.sql");

/// The names of the additions.
const ADDED: &str = "'claims', 'claims_ends', 'claims_update', 'claims_delete'";

/// Checks that the file is empty or ours, and changes nothing.
///
/// # Errors
/// The file of another program, one with a newer schema, or one with objects that are not ours.
pub(crate) fn inspect(connection: &Connection) -> Result<(), Fault> {
    // One read of the file: another process may create or migrate it between two.
    let snapshot = connection.unchecked_transaction()?;
    let (application_id, version, objects) = snapshot.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        (),
        |row| Ok((row.get(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let is_empty = application_id == 0 && version == 0 && objects == 0;
    if application_id != APPLICATION_ID && !is_empty {
        return Err(Fault::OtherProgram(application_id));
    }
    let version = version.cast_unsigned();
    expect_at_most(version, VERSION)?;
    objects::expect_ours(&snapshot, version)
}

/// Migrates the file to the schema of this version, in exclusive transactions.
pub(crate) fn migrate(connection: &Connection) -> Result<(), Fault> {
    migrate_by(connection, MIGRATIONS)?;
    add(connection)
}

/// Adds what an older version of the same schema lacks.
fn add(connection: &Connection) -> Result<(), Fault> {
    let missing = format!("SELECT count(*) < 4 FROM sqlite_schema WHERE name IN ({ADDED})");
    if connection.query_row(&missing, (), |row| row.get(0))? {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        check(&transaction)?;
        transaction.execute_batch(ADDITIONS)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Checks, within a transaction, that no other process has migrated the file to a newer schema.
pub(crate) fn check(connection: &Connection) -> Result<(), Fault> {
    expect_at_most(version(connection)?, VERSION)
}

fn migrate_by(connection: &Connection, migrations: &[&str]) -> Result<(), Fault> {
    let newest = migrations.len() as u32;
    if version(connection)? == newest {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another process may have migrated it meanwhile.
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
