//! Child processes: this binary again, which runs one of the ignored functions below.

use std::env;
use std::io::{BufRead, BufReader, Lines, Write as _, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tokenkeeper_store::{Entry, Outcome, TokenStore, Version};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::support::key;

const DATABASE: &str = "TOKENKEEPER_TEST_DATABASE";

/// The first character of a child's reports; other lines of its output are the test harness's.
const MARK: char = '@';

/// How many processes race, for how many new keys, and how often each increments a number.
pub(crate) const RACERS: usize = 8;
pub(crate) const ROUNDS: usize = 20;
pub(crate) const ADDITIONS: usize = 25;

/// A child process, its input and its output.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Runs one of the functions below on a database.
    pub(crate) fn start(function: &str, database: &Path) -> Self {
        Self::start_by(function, database, |command| command)
    }

    /// Runs one of the functions below on a database, with a changed command.
    pub(crate) fn start_by(
        function: &str,
        database: &Path,
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = Command::new(env::current_exe().expect("this binary"));
        command
            .args([
                &format!("child::{function}"),
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(DATABASE, database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = change(&mut command).spawn().expect("a process");
        let input = child.stdin.take().expect("its input");
        let output = child.stdout.take().expect("its output");
        Self {
            child,
            input,
            output: BufReader::new(output).lines(),
        }
    }

    /// Returns its next report; `None` at its end.
    pub(crate) fn hear(&mut self) -> Option<String> {
        self.output
            .by_ref()
            .map(|line| line.expect("its output"))
            .find_map(|line| line.strip_prefix(MARK).map(str::to_owned))
    }

    pub(crate) fn tell(&mut self, text: &str) {
        writeln!(self.input, "{text}").expect("it listens");
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Most have already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
        say(&format!("{number} {:?}", new.version));
    }
}

/// Races with other processes for new keys, and increments a number.
#[tokio::test]
#[ignore = "a child of another test"]
async fn race() {
    let Some(store) = open().await else { return };
    say("ready");
    stdin().lines().next().expect("a word").expect("a line");
    for round in 0..ROUNDS {
        let entry = numbered(round);
        let key = key(&format!("round-{round}"));
        match store.put(&key, &entry, None).await.unwrap() {
            Outcome::Applied => say(&format!("applied {round} {:?}", entry.version)),
            Outcome::Conflict(there) => {
                say(&format!("met {round} {:?}", there.unwrap().version));
            }
        }
    }
    for _ in 0..ADDITIONS {
        add_one(&store).await;
    }
    say("done");
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
    say(&said);
}

async fn open() -> Option<SqliteStore> {
    Some(SqliteStore::open_plaintext(database()?).await.unwrap())
}

fn database() -> Option<std::ffi::OsString> {
    println!(); // The harness has not ended its line.
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

fn say(text: &str) {
    println!("{MARK}{text}");
}
