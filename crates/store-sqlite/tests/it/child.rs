//! Child processes: this binary again, which runs one of the ignored functions below.

use std::env;
use std::io::stdin;
use std::path::Path;
use std::process::Command;

use tokenkeeper_store::{Entry, Outcome, TokenStore, Version};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::storm::process::{Process, begin_reports, report};
use crate::support::key;

const DATABASE: &str = "TOKENKEEPER_TEST_DATABASE";

/// How many processes race, for how many new keys, and how often each increments a number.
pub(crate) const RACERS: usize = 8;
pub(crate) const ROUNDS: usize = 20;
pub(crate) const ADDITIONS: usize = 25;

/// Runs one of the functions below on a database.
pub(crate) fn start(function: &str, database: &Path) -> Process {
    start_by(function, database, |command| command)
}

/// Runs one of the functions below on a database, with a changed command.
pub(crate) fn start_by(
    function: &str,
    database: &Path,
    change: impl FnOnce(&mut Command) -> &mut Command,
) -> Process {
    let test = format!("child::{function}");
    Process::start(&test, &[(DATABASE, database.as_os_str())], change)
}

/// Writes new keys and replaces one entry, and reports each applied write, until it is killed.
#[tokio::test]
#[ignore = "a child of another test"]
async fn write_until_killed() {
    let Some(store) = open().await else { return };
    let mut last = None;
    for number in 0.. {
        let new = numbered(number);
        assert!(
            store
                .put(&key(&format!("user-{number}")), &new, None)
                .await
                .unwrap()
                .is_applied()
        );
        let over = numbered(number);
        assert!(
            store
                .put(&key("the same"), &over, last)
                .await
                .unwrap()
                .is_applied()
        );
        last = Some(over.version);
        report(&format!("{number} {:?}", new.version));
    }
}

/// Races with other processes for new keys, and increments a number.
#[tokio::test]
#[ignore = "a child of another test"]
async fn race() {
    let Some(store) = open().await else { return };
    report("ready");
    stdin().lines().next().expect("a word").expect("a line");
    for round in 0..ROUNDS {
        let entry = numbered(round);
        let key = key(&format!("round-{round}"));
        match store.put(&key, &entry, None).await.unwrap() {
            Outcome::Applied => report(&format!("applied {round} {:?}", entry.version)),
            Outcome::Conflict(there) => {
                report(&format!("met {round} {:?}", there.unwrap().version));
            }
        }
    }
    for _ in 0..ADDITIONS {
        add_one(&store).await;
    }
    report("done");
}

/// Opens the database, writes one entry, and reports the outcome.
#[tokio::test]
#[ignore = "a child of another test"]
async fn open_and_write() {
    let Some(path) = database() else { return };
    let said = match SqliteStore::open_plaintext(&path).await {
        Err(error) => format!("open: {error:?}"),
        Ok(store) => match store.put(&key("a"), &numbered(1), None).await {
            Err(error) => format!("put: {error:?}"),
            Ok(outcome) => format!("put: {outcome:?}"),
        },
    };
    report(&said);
}

async fn open() -> Option<SqliteStore> {
    Some(SqliteStore::open_plaintext(database()?).await.unwrap())
}

fn database() -> Option<std::ffi::OsString> {
    begin_reports();
    env::var_os(DATABASE)
}

async fn add_one(store: &SqliteStore) {
    let mut there = store.get(&key("number")).await.unwrap();
    loop {
        let next = numbered(there.as_ref().map_or(0, number) + 1);
        let expected = there.map(|entry| entry.version);
        match store.put(&key("number"), &next, expected).await.unwrap() {
            Outcome::Applied => return,
            Outcome::Conflict(newer) => there = newer,
        }
    }
}

fn numbered(number: usize) -> Entry {
    Entry::new(Version::random(), number.to_string())
}

/// The number in an entry.
pub(crate) fn number(entry: &Entry) -> usize {
    str::from_utf8(&entry.value).unwrap().parse().unwrap()
}
