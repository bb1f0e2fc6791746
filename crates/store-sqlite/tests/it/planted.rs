//! A file with objects that are not ours, which SQLite would run or read for an attacker.

use std::fs;

use rusqlite::Connection;
use tokenkeeper_store::{StoreError, TokenStore};
use tokenkeeper_store_sqlite::{SqliteError, SqliteOptions, SqliteStore};

use crate::bad_input::filled;
use crate::support::{Directory, cause, entry, key, keyring};

/// Each change of a schema, and what the error names.
const PLANTED: &[(&str, &str)] = &[
    (
        "CREATE TABLE stolen (value);
         CREATE TRIGGER steal AFTER UPDATE ON entries
             BEGIN INSERT INTO stolen VALUES (NEW.value); END",
        "table \"stolen\"",
    ),
    (
        "CREATE TRIGGER lose AFTER INSERT ON entries BEGIN DELETE FROM entries; END",
        "trigger \"lose\"",
    ),
    (
        "DROP TRIGGER claims_update;
         CREATE TRIGGER claims_update AFTER UPDATE ON entries
             BEGIN DELETE FROM claims WHERE id = OLD.id; DELETE FROM entries; END",
        "trigger \"claims_update\"",
    ),
    // The same text in a trigger of another table.
    (
        "DROP TRIGGER claims_update;
         CREATE TRIGGER claims_update AFTER UPDATE ON changes
             BEGIN DELETE FROM claims WHERE id = OLD.seq; END",
        "trigger \"claims_update\"",
    ),
    ("CREATE VIEW v AS SELECT * FROM entries", "view \"v\""),
    (
        "DROP TABLE entries;
         CREATE VIEW entries AS SELECT 1 AS id, 2 AS key;
         CREATE TRIGGER take INSTEAD OF INSERT ON entries BEGIN DELETE FROM changes; END",
        "trigger \"take\"",
    ),
    ("CREATE INDEX copy ON entries (value)", "index \"copy\""),
    (
        "DROP INDEX entries_due; CREATE INDEX entries_due ON entries (hex(value))",
        "index \"entries_due\"",
    ),
    // A comment and a text that would make it equal to ours if they were read as one another.
    (
        "DROP INDEX entries_due;
         CREATE INDEX entries_due ON entries (due) /* -- */ WHERE due IS NOT '/*' --*/ NULL",
        "index \"entries_due\"",
    ),
    (
        "ALTER TABLE entries ADD COLUMN copy TEXT AS (hex(value)) VIRTUAL",
        "table \"entries\"",
    ),
    (
        "CREATE VIRTUAL TABLE words USING fts5(word)",
        "table \"words",
    ),
    (
        "PRAGMA writable_schema = on;
         INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_stat1', 'entries', 0,
             'CREATE TRIGGER sqlite_stat1 AFTER INSERT ON entries BEGIN DELETE FROM claims; END')",
        "trigger \"sqlite_stat1\"",
    ),
    (
        "CREATE TABLE \"two\nlines\x1b[31m\" (a)",
        "table \"two\\nlines\\u{1b}[31m\"",
    ),
];

#[tokio::test]
async fn a_planted_trigger_view_table_or_index_is_refused() {
    for (planted, named) in PLANTED {
        let directory = Directory::new();
        let path = filled(&directory, |file| file.execute_batch(planted).unwrap()).await;
        let before = fs::read(&path).unwrap();
        let errors = [
            SqliteStore::open(&path, keyring()).await.unwrap_err(),
            SqliteStore::open_plaintext(&path).await.unwrap_err(),
            SqliteOptions::new(&path).compact().await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
            let SqliteError::UnknownObject { object, .. } = cause(&error, &path) else {
                panic!("{planted}: {error:?}");
            };
            assert!(object.starts_with(named), "{object}");
        }
        assert_eq!(fs::read(&path).unwrap(), before, "{planted}");
    }
}

#[tokio::test]
async fn the_statistics_of_analyze_are_no_attack() {
    let directory = Directory::new();
    let path = filled(&directory, |file| file.execute_batch("ANALYZE").unwrap()).await;
    let store = SqliteStore::open_plaintext(&path).await.unwrap();
    let put = store.put(&key("a"), &entry("a"), None).await.unwrap();
    assert!(put.is_applied());
}

// The first version's text, with another order of the columns and other comments.
#[tokio::test]
async fn a_file_of_the_first_version_is_no_attack() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    let (ours, old) = (
        Connection::open(&path).unwrap(),
        directory.path().join("old.db"),
    );
    let old = Connection::open(old).unwrap();
    old.execute_batch(
        "CREATE TABLE entries (
            id         INTEGER PRIMARY KEY,
            key        BLOB    NOT NULL UNIQUE,   -- the four fields, each after its length
            version    BLOB    NOT NULL CHECK (length(version) = 16),
            keep_until INTEGER CHECK (keep_until >= 0), -- times in milliseconds since 1970
            due        INTEGER CHECK (due >= 0),
            value      BLOB    NOT NULL,          -- opaque
            attention  INTEGER NOT NULL CHECK (attention IN (0, 1))
        ) STRICT;
        CREATE INDEX entries_due ON entries (due) WHERE due IS NOT NULL;
        CREATE INDEX entries_attention ON entries (attention) WHERE attention = 1;
        CREATE INDEX entries_keep_until ON entries (keep_until) WHERE keep_until IS NOT NULL;
        CREATE TABLE changes (
            seq     INTEGER PRIMARY KEY,
            key     BLOB    NOT NULL,
            version BLOB CHECK (length(version) = 16), -- what was written; none: removed
            writer  INTEGER NOT NULL               -- random, one for each opened store
        ) STRICT;
        PRAGMA user_version = 1",
    )
    .unwrap();
    let id: i32 = ours
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .unwrap();
    old.pragma_update(None, "application_id", id).unwrap();
    let path = directory.path().join("old.db");
    let store = SqliteStore::open_plaintext(&path).await.unwrap();
    let put = store.put(&key("a"), &entry("a"), None).await.unwrap();
    assert!(put.is_applied());
}
