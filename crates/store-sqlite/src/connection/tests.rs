//! The settings of each connection.

use std::{env, fs, process};

use super::open;
use crate::settings::Settings;

// Without them a power loss would take acknowledged writes, which no other test can show.
#[test]
fn every_connection_is_durable() {
    let directory = env::temp_dir().join(format!("tokenkeeper-sqlite-pragmas-{}", process::id()));
    fs::create_dir(&directory).unwrap();
    let mut settings = Settings::new(directory.join("accounts.db"));
    settings.max_pages = Some(1_000);
    // The first creates the file, the second opens it.
    for _ in 0..2 {
        let connection = open(&settings).unwrap();
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
        assert_eq!(pragma("trusted_schema"), "0");
        assert_eq!(pragma("cell_size_check"), "1");
        assert_eq!(pragma("page_size"), "1024");
        // Of pages of 4 KiB.
        assert_eq!(pragma("max_page_count"), "4000");
    }
    fs::remove_dir_all(directory).unwrap();
}
