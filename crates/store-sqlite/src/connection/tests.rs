//! The settings of each connection, and what is planted while it is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, process};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::{connect, make_durable, open};
use crate::settings::Settings;
use crate::{file, schema};

/// A database in its own directory.
struct Fixture {
    settings: Settings,
    directory: PathBuf,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let directory = env::temp_dir().join(format!("tokenkeeper-{name}-{}", process::id()));
        fs::create_dir(&directory).unwrap();
        let mut settings = Settings::new(directory.join("accounts.db"));
        settings.max_pages = Some(1_000);
        let settings = file::locate(&settings).unwrap();
        Self {
            settings,
            directory,
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

// Without them a power loss would take acknowledged writes, which no other test can show.
#[test]
fn every_connection_is_durable() {
    let fixture = Fixture::new("pragmas");
    // The first creates the file, the second opens it.
    for _ in 0..2 {
        let connection = open(&fixture.settings).unwrap();
        let pragma = |name: &str| -> String {
            let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
            connection.query_row(&sql, (), |row| row.get(0)).unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal");
        let full = "2";
        assert_eq!(pragma("synchronous"), full);
        assert_eq!(pragma("fullfsync"), "1");
        assert_eq!(pragma("checkpoint_fullfsync"), "1");
        assert_eq!(pragma("secure_delete"), "1");
        assert_eq!(pragma("page_size"), "1024");
        // Of pages of 4 KiB.
        assert_eq!(pragma("max_page_count"), "4000");
    }
}

#[test]
fn no_connection_trusts_the_file() {
    let fixture = Fixture::new("trust");
    let connection = open(&fixture.settings).unwrap();
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // Else the log would grow for good.
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false),
    ] {
        assert_eq!(connection.db_config(config), Ok(value), "{config:?}");
    }
    let checks: bool = connection
        .pragma_query_value(None, "cell_size_check", |row| row.get(0))
        .unwrap();
    assert!(checks);
    for forbidden in [
        "SELECT load_extension('libevil.so')",
        "PRAGMA writable_schema = on; DELETE FROM sqlite_schema",
        "CREATE VIEW v AS SELECT 1 AS a; SELECT * FROM v",
    ] {
        assert!(connection.execute_batch(forbidden).is_err(), "{forbidden}");
    }
}

#[test]
fn a_file_created_by_another_process_is_no_attack() {
    let fixture = Fixture::new("raced");
    file::create(&fixture.settings.path).unwrap();
    let other = connect(&fixture.settings).unwrap();
    make_durable(&other).unwrap();
    let mut connection = connect(&fixture.settings).unwrap();
    let migrated = Arc::new(AtomicBool::new(false));
    let once = Arc::clone(&migrated);
    let migrate = move |context: AuthContext<'_>| {
        let reads_sql = matches!(
            context.action,
            AuthAction::Read {
                column_name: "sql",
                ..
            }
        );
        if reads_sql && !once.swap(true, Ordering::Relaxed) {
            schema::migrate(&other).unwrap();
        }
        Authorization::Allow
    };
    connection.authorizer(Some(migrate)).unwrap();
    schema::inspect(&connection).unwrap();
    assert!(migrated.load(Ordering::Relaxed));
}

#[cfg(unix)]
mod planted {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::try_open;
    use super::*;
    use crate::fault::Fault;
    use crate::logged::logged;

    // In a directory as /tmp another user can do that, between the check and the opening.
    #[test]
    fn a_log_planted_while_a_file_is_opened_is_not_applied() {
        let fixture = Fixture::new("planted");
        let file = &fixture.settings.path;
        drop(open(&fixture.settings).unwrap());
        let before = fs::read(file).unwrap();

        let copy = fixture.directory.join("copy.db");
        fs::copy(file, &copy).unwrap();
        let attacker = Connection::open(&copy).unwrap();
        let log = fixture.directory.join("accounts.db-wal");
        let opened_after = |change: &str| {
            attacker.execute_batch(change).unwrap();
            fs::copy(fixture.directory.join("copy.db-wal"), &log).unwrap();
            fs::set_permissions(&log, Permissions::from_mode(0o666)).unwrap();
            let error = try_open(&fixture.settings).unwrap_err();
            assert_eq!(fs::read(file).unwrap(), before);
            error
        };
        let error = opened_after("CREATE TABLE planted (a)");
        assert!(matches!(error, Fault::UnknownObject(_)), "{error:?}");
        let error = opened_after("DROP TABLE planted");
        assert!(
            matches!(&error, Fault::Exposed(path, _) if *path == log),
            "{error:?}"
        );
    }

    #[test]
    fn a_link_planted_while_a_file_is_opened_is_not_followed() {
        let fixture = Fixture::new("swapped");
        let file = &fixture.settings.path;
        let moved = fixture.directory.join("moved.db");
        drop(open(&fixture.settings).unwrap());
        fs::rename(file, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, file).unwrap();
        let error = try_open(&fixture.settings).unwrap_err();
        assert_eq!(error.code(), Some(rusqlite::ErrorCode::CannotOpen));
    }

    #[test]
    fn the_log_says_that_others_could_read() {
        let fixture = Fixture::new("readable");
        let opened = || logged(|| drop(open(&fixture.settings).unwrap()));
        assert_eq!(opened(), [""; 0]);
        let readable = Permissions::from_mode(0o644);
        fs::set_permissions(&fixture.settings.path, readable).unwrap();
        let lines = opened();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN"), "{lines:?}");
        assert!(lines[0].contains("accounts.db "), "{lines:?}");
        assert!(lines[0].contains("mode=644"), "{lines:?}");
        assert_eq!(opened(), [""; 0]);
    }
}
