//! Wrong files and paths: a typed error names the path, and nothing is overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tokenkeeper_store::{Filter, StoreError, TokenStore};
use tokenkeeper_store_sqlite::{SqliteError, SqliteStore};

use crate::file::checkpoint;
use crate::support::{Directory, cause, entry, key, keyring};

/// The size of a page.
const PAGE: usize = 1024;

/// Checks that opening fails and leaves the file as it was.
async fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).ok();
    let error = SqliteStore::open_plaintext(path)
        .await
        .expect_err("no such store");
    assert!(SqliteStore::open(path, keyring()).await.is_err());
    assert_eq!(fs::read(path).ok(), before, "it was touched");
    error
}

#[tokio::test]
async fn an_empty_path_is_no_database_in_memory() {
    let error = refused(Path::new("")).await;
    let cause = cause(&error, Path::new(""));
    assert!(matches!(cause, SqliteError::BadPath { .. }), "{cause:?}");
}

#[tokio::test]
async fn a_path_with_a_nul_is_refused() {
    let directory = Directory::new();
    let error = refused(&directory.path().join("a\0b")).await;
    let cause = cause(&error, directory.path());
    assert!(matches!(cause, SqliteError::BadPath { .. }), "{cause:?}");
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let directory = Directory::new();
    let missing = directory.path().join("missing");
    let error = refused(&missing.join("accounts.db")).await;
    let cause = cause(&error, &missing);
    assert!(matches!(cause, SqliteError::NoDirectory { path } if *path == missing));
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_directory_is_no_database() {
    let directory = Directory::new();
    let error = refused(directory.path()).await;
    let cause = cause(&error, directory.path());
    assert!(matches!(cause, SqliteError::CannotOpen { .. }), "{cause:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let directory = Directory::new();
    // SQLite takes a file of one byte for an empty one.
    for text in ["no", &"These are the notes of a user.\n".repeat(200)] {
        fs::write(directory.database(), text).unwrap();
        let error = refused(&directory.database()).await;
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        let cause = cause(&error, &directory.database());
        assert!(
            matches!(cause, SqliteError::NotADatabase { .. }),
            "{cause:?}"
        );
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_not_touched() {
    let directory = Directory::new();
    let other = Connection::open(directory.database()).unwrap();
    other
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .unwrap();
    drop(other);
    let error = refused(&directory.database()).await;
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let cause = cause(&error, &directory.database());
    assert!(matches!(
        cause,
        SqliteError::OtherProgram {
            application_id: 0,
            ..
        }
    ));
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let directory = Directory::new();
    let path = filled(&directory, |file| {
        file.pragma_update(None, "user_version", 2).unwrap();
    })
    .await;
    let error = refused(&path).await;
    let newer = StoreError::NewerFormat {
        found: 2,
        supported: 1,
    };
    assert_eq!(error.to_string(), newer.to_string());
}

// As during a rolling update of processes that share a file.
#[tokio::test]
async fn a_migration_by_a_newer_process_is_noticed_at_once() {
    let directory = Directory::new();
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let first = entry("first");
    let _ = store.put(&key("a"), &first, None).await.unwrap();
    let newer = Connection::open(directory.database()).unwrap();
    newer
        .execute_batch("ALTER TABLE entries RENAME COLUMN due TO next; PRAGMA user_version = 2")
        .unwrap();
    let put = store
        .put(&key("a"), &entry("second"), Some(first.version))
        .await;
    let errors = [
        put.unwrap_err(),
        store.delete(&key("a"), first.version).await.unwrap_err(),
        store.get(&key("a")).await.unwrap_err(),
        store.list(Filter::All, None, 10).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(
                error,
                StoreError::NewerFormat {
                    found: 2,
                    supported: 1
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_corrupt() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..3 * PAGE]).unwrap();
    fails_as_corrupt(&path).await;
}

#[tokio::test]
async fn a_file_with_a_damaged_page_is_corrupt() {
    let directory = Directory::new();
    let path = filled(&directory, |_| {}).await;
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[PAGE..] {
        *byte = !*byte;
    }
    fs::write(&path, &bytes).unwrap();
    fails_as_corrupt(&path).await;
    assert_eq!(fs::read(&path).unwrap(), bytes, "it was written over");
}

#[tokio::test]
async fn rows_that_are_not_ours_are_corrupt() {
    for damage in [
        "UPDATE entries SET version = x'01'",
        "UPDATE entries SET due = -1",
        "UPDATE entries SET attention = 2",
    ] {
        let directory = Directory::new();
        let path = filled(&directory, |file| {
            file.pragma_update(None, "ignore_check_constraints", true)
                .unwrap();
            file.execute_batch(damage).unwrap();
        })
        .await;
        let store = SqliteStore::open_plaintext(&path).await.unwrap();
        expect_damaged(failures(&store).await, &path);
    }
    let directory = Directory::new();
    let path = filled(&directory, |file| {
        file.execute_batch("UPDATE entries SET key = x'0001' WHERE id = 3")
            .unwrap();
    })
    .await;
    let store = SqliteStore::open_plaintext(&path).await.unwrap();
    let error = store.list(Filter::All, None, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_without_our_tables_is_corrupt() {
    let directory = Directory::new();
    let path = filled(&directory, |file| {
        file.execute_batch("DROP TABLE entries").unwrap();
    })
    .await;
    fails_as_corrupt(&path).await;
}

/// Checks that opening the file, or else reading and writing, fails as corrupt.
async fn fails_as_corrupt(path: &Path) {
    match SqliteStore::open_plaintext(path).await {
        Err(error) => expect_damaged([error], path),
        Ok(store) => expect_damaged(failures(&store).await, path),
    }
}

/// The errors of a read, and of a conflict, which must return the damaged entry.
async fn failures(store: &SqliteStore) -> [StoreError; 2] {
    let key = key("user-7");
    [
        store.get(&key).await.unwrap_err(),
        store.put(&key, &entry("next"), None).await.unwrap_err(),
    ]
}

fn expect_damaged(errors: impl IntoIterator<Item = StoreError>, path: &Path) {
    for error in errors {
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        let cause = cause(&error, path);
        assert!(matches!(cause, SqliteError::Damaged { .. }), "{cause:?}");
    }
}

/// A copy of a database with some entries, changed and closed.
///
/// The original is closed by the threads of a store, at an unknown time.
pub(crate) async fn filled(directory: &Directory, change: impl FnOnce(&Connection)) -> PathBuf {
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    for number in 0..50 {
        let key = key(&format!("user-{number}"));
        let _ = store.put(&key, &entry("value"), None).await.unwrap();
    }
    checkpoint(directory);
    let copy = directory.path().join("copy.db");
    fs::copy(directory.database(), &copy).unwrap();
    let file = Connection::open(&copy).unwrap();
    change(&file);
    drop(file);
    copy
}
