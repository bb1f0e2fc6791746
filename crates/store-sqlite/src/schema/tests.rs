//! A file is migrated to the newest schema as a whole, from any older one.

use rusqlite::Connection;

use super::{ADDED, MIGRATIONS, VERSION, inspect, migrate, migrate_by, version};
use crate::fault::Fault;

const SECOND: &str = "ALTER TABLE entries ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

fn first_with_an_entry() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    migrate_by(&connection, &MIGRATIONS[..1]).unwrap();
    connection
        .execute_batch(
            "INSERT INTO entries (key, version, value, attention)
             VALUES (x'01', zeroblob(16), x'03', 0)",
        )
        .unwrap();
    connection
}

fn note(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT note FROM entries WHERE value = x'03'", (), |row| {
        row.get(0)
    })
}

#[test]
fn a_migration_keeps_the_entries() {
    let connection = first_with_an_entry();
    migrate_by(&connection, &[MIGRATIONS[0], SECOND]).unwrap();
    assert_eq!(version(&connection).unwrap(), 2);
    assert_eq!(note(&connection).unwrap(), "none");
    // A second time changes nothing.
    migrate_by(&connection, &[MIGRATIONS[0], SECOND]).unwrap();
}

#[test]
fn an_empty_file_goes_through_all_of_them() {
    let connection = Connection::open_in_memory().unwrap();
    inspect(&connection).unwrap();
    migrate_by(&connection, &[MIGRATIONS[0], SECOND]).unwrap();
    assert_eq!(version(&connection).unwrap(), 2);
    assert!(matches!(
        inspect(&connection),
        Err(Fault::Newer { found: 2, .. })
    ));
}

#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let connection = first_with_an_entry();
    let broken = [MIGRATIONS[0], SECOND, "CREATE TABLE entries (again)"];
    assert!(migrate_by(&connection, &broken).is_err());
    assert_eq!(version(&connection).unwrap(), 1);
    assert!(note(&connection).is_err());
    inspect(&connection).unwrap();
}

#[test]
fn a_newer_schema_is_left_alone() {
    let connection = first_with_an_entry();
    connection.pragma_update(None, "user_version", -1).unwrap();
    for result in [inspect(&connection), migrate(&connection)] {
        assert!(matches!(
            result,
            Err(Fault::Newer {
                found: u32::MAX,
                ..
            })
        ));
    }
    connection
        .pragma_update(None, "user_version", VERSION)
        .unwrap();
    inspect(&connection).unwrap();
}

#[test]
fn the_additions_come_without_a_new_number() {
    let connection = first_with_an_entry();
    migrate(&connection).unwrap();
    let added = format!("SELECT count(*) FROM sqlite_schema WHERE name IN ({ADDED})");
    let count = || connection.query_row(&added, (), |row| row.get::<_, i64>(0));
    assert_eq!(count(), Ok(4));
    assert_eq!(version(&connection).unwrap(), VERSION);
    // One that is missing comes back.
    connection
        .execute_batch("DROP TRIGGER claims_delete")
        .unwrap();
    migrate(&connection).unwrap();
    assert_eq!(count(), Ok(4));
}
