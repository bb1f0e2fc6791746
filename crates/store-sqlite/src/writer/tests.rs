//! Waiting writes share a transaction.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use std::{env, fs, process};

use rusqlite::Connection;
use tokenkeeper_store::{Entry, Key, Outcome, StoreError, Version};
use tokio::sync::{broadcast, oneshot};

use super::{BATCH, Job, Write, Writer};
use crate::connection;
use crate::file::{self, OpenedFile};
use crate::log::LogWatch;
use crate::logged::logged;
use crate::settings::Settings;

type Answer = oneshot::Receiver<Result<Outcome, StoreError>>;

/// A writer over a database in its own directory.
struct Fixture {
    writer: Writer,
    directory: PathBuf,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let directory = env::temp_dir().join(format!("tokenkeeper-{name}-{}", process::id()));
        fs::create_dir(&directory).unwrap();
        let mut settings = Settings::new(directory.join("accounts.db"));
        // It warns at the least size.
        settings.log_limit = 1;
        let settings = file::locate(&settings).unwrap();
        let connection = connection::open(&settings).unwrap();
        let file = Arc::new(OpenedFile::new(&settings.path, &settings.path).unwrap());
        let changes = broadcast::Sender::new(1);
        let writer = Writer {
            connection,
            file,
            id: 1,
            changes,
            log: LogWatch::new(&settings.path, settings.log_limit),
        };
        Self { writer, directory }
    }

    /// Returns the number of pages in the log.
    fn log(&self) -> i64 {
        let connection = Connection::open(self.writer.file.path()).unwrap();
        connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(1))
            .unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn put(subject: &str, expected: Option<Version>) -> (Job, Answer) {
    put_entry(subject, Entry::new(Version::random(), "value"), expected)
}

fn put_entry(subject: &str, new: Entry, expected: Option<Version>) -> (Job, Answer) {
    let (reply, answer) = oneshot::channel();
    let write = Write {
        key: Key::new("brand", "https://provider.example", "client", subject).unwrap(),
        expected,
        new: Some(new),
        now: SystemTime::UNIX_EPOCH,
        reply,
        outcome: None,
    };
    (Job::Write(write), answer)
}

fn puts() -> (Vec<Job>, Vec<Answer>) {
    (0..BATCH)
        .map(|number| put(&format!("user-{number}"), None))
        .unzip()
}

fn applied(mut answer: Answer) -> bool {
    answer.try_recv().unwrap().unwrap().is_applied()
}

#[test]
fn many_writes_cost_one_commit() {
    let (together, alone) = (Fixture::new("together"), Fixture::new("alone"));
    let (writes, answers) = puts();
    together.writer.perform(writes);
    assert!(answers.into_iter().all(applied));

    let (writes, answers) = puts();
    for write in writes {
        alone.writer.perform(vec![write]);
    }
    assert!(answers.into_iter().all(applied));
    // A commit writes every changed page, and each of the single writes changes at least three.
    let (together, alone) = (together.log(), alone.log());
    assert!(alone >= 3 * BATCH as i64, "{alone}");
    assert!(together < alone / 4, "{together} of {alone}");
}

#[test]
fn writes_of_one_key_in_one_transaction_are_made_in_turn() {
    let fixture = Fixture::new("in-turn");
    let entry = Entry::new(Version::random(), "value");
    let (first, first_answer) = put_entry("the same", entry.clone(), None);
    let (late, late_answer) = put("the same", None);
    let (over, over_answer) = put("the same", Some(entry.version));
    fixture.writer.perform(vec![first, late, over]);
    assert!(applied(first_answer));
    let conflict = { late_answer }.try_recv().unwrap().unwrap();
    assert_eq!(conflict, Outcome::Conflict(Some(entry)));
    assert!(applied(over_answer));
}

// As after a disk failure, when the log may hold the commit or not.
#[test]
fn a_commit_with_an_unknown_failure_is_ambiguous() {
    let fault = |code| {
        let error = rusqlite::ffi::Error::new(code);
        crate::fault::Fault::from(rusqlite::Error::SqliteFailure(error, None))
    };
    let path = std::path::Path::new("accounts.db");
    use rusqlite::ffi::{SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    let unknown = fault(SQLITE_IOERR_FSYNC);
    assert!(matches!(
        unknown.clone().at_commit(path),
        StoreError::Ambiguous { .. }
    ));
    assert!(matches!(unknown.at(path), StoreError::Unavailable { .. }));
    for known in [SQLITE_BUSY, SQLITE_FULL] {
        let error = fault(known).at_commit(path);
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}

/// Writes a new entry of a MiB.
fn write_large(fixture: &Fixture, number: usize) {
    let entry = Entry::new(Version::random(), vec![b'v'; 1024 * 1024]);
    let (job, answer) = put_entry(&format!("large-{number}"), entry, None);
    fixture.writer.perform(vec![job]);
    assert!(applied(answer));
}

#[test]
fn a_reader_without_an_end_is_one_warning() {
    let fixture = Fixture::new("reader");
    let reader = Connection::open(fixture.writer.file.path()).unwrap();
    for episode in 0..2 {
        let write = |numbers: std::ops::Range<usize>| {
            logged(|| numbers.for_each(|number| write_large(&fixture, 100 * episode + number)))
        };
        reader
            .execute_batch("BEGIN; SELECT * FROM entries")
            .unwrap();
        let lines = write(0..15);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN"), "{lines:?}");
        assert!(lines[0].contains("accounts.db"), "{lines:?}");
        assert!(lines[0].contains("bytes="), "{lines:?}");
        reader.execute_batch("COMMIT").unwrap();
        let lines = write(15..20);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("INFO"), "{lines:?}");
    }
}

#[test]
fn a_large_log_without_a_reader_is_no_warning() {
    let fixture = Fixture::new("large");
    let batch: (Vec<_>, Vec<_>) = (0..20)
        .map(|number| {
            let entry = Entry::new(Version::random(), vec![b'v'; 1024 * 1024]);
            put_entry(&format!("large-{number}"), entry, None)
        })
        .unzip();
    let lines = logged(|| fixture.writer.perform(batch.0));
    assert!(batch.1.into_iter().all(applied));
    assert_eq!(lines, [""; 0]);
}
