//! What watchers are told of changes by other processes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::{env, fs, process};

use rusqlite::Connection;
use tokenkeeper_store::{Change, Key};
use tokio::sync::broadcast;

use super::{Reader, Watch};
use crate::connection;
use crate::file::{self, OpenedFile};
use crate::settings::Settings;

/// The writer's id of another process.
const OTHER: i64 = 2;

struct Fixture {
    reader: Reader,
    other: Connection,
    told: broadcast::Receiver<Option<Change>>,
    directory: PathBuf,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let directory = env::temp_dir().join(format!("tokenkeeper-{name}-{}", process::id()));
        fs::create_dir(&directory).unwrap();
        let settings = Settings::new(directory.join("accounts.db"));
        let settings = file::locate(&settings).unwrap();
        let connection = connection::open(&settings).unwrap();
        let other = connection::open(&settings).unwrap();
        let file = Arc::new(OpenedFile::new(&settings.path, &settings.path).unwrap());
        let (changes, told) = broadcast::channel(16);
        let reader = Reader {
            connection,
            file,
            id: 1,
            changes,
            watch_interval: Duration::from_millis(10),
            is_resting: Arc::new(AtomicBool::new(false)),
        };
        Self {
            reader,
            other,
            told,
            directory,
        }
    }

    /// Makes this many changes of which only the last `kept` stay.
    fn change(&self, changes: usize, kept: usize) {
        let key = Key::new("b", "https://b.example", "c", "s").unwrap();
        let announce = "INSERT INTO changes (key, version, writer) VALUES (?1, NULL, ?2)";
        for _ in 0..changes {
            self.other
                .execute(announce, (key.to_bytes(), OTHER))
                .unwrap();
        }
        let trim = "DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - ?1";
        self.other.execute(trim, [kept as i64]).unwrap();
    }

    fn next(&mut self) -> Option<Change> {
        self.told.try_recv().unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn streams_end_when_changes_were_removed_unseen() {
    let mut fixture = Fixture::new("missed");
    fixture.change(1, 1);
    let mut watch = Watch::begin(&fixture.reader.connection, Duration::from_millis(10));
    fixture.change(3, 2);
    assert!(fixture.reader.announce_others(&mut watch));
    assert!(fixture.next().is_none());
    assert!(fixture.next().is_some());
    assert!(fixture.next().is_some());
    assert!(fixture.told.is_empty());
}

#[test]
fn streams_go_on_when_every_change_was_seen() {
    let mut fixture = Fixture::new("seen");
    fixture.change(1, 1);
    let mut watch = Watch::begin(&fixture.reader.connection, Duration::from_millis(10));
    for _ in 0..2 {
        fixture.change(2, 2);
        assert!(fixture.reader.announce_others(&mut watch));
        assert!(fixture.next().is_some());
        assert!(fixture.next().is_some());
    }
    assert!(fixture.told.is_empty());
}
