//! A process of its own: this program again, with one test that is none by itself.

use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};

use super::{engine, storm};

const REDIS: &str = "TOKENKEEPER_TEST_REDIS";
const PROVIDER: &str = "TOKENKEEPER_TEST_PROVIDER";

/// What a child says begins with it; the rest is the test harness's.
const MARK: char = '@';

pub(crate) struct Child {
    process: process::Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub(crate) fn start(redis: &str, provider: &str) -> Self {
        let mut process = Command::new(env::current_exe().expect("this program"))
            .args([
                "processes::child::runs_a_storm",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .envs([(REDIS, redis), (PROVIDER, provider)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let input = process.stdin.take().expect("its input");
        let output = process.stdout.take().expect("its output");
        Self {
            process,
            input,
            output: BufReader::new(output).lines(),
        }
    }

    /// Waits for what it says next, which must be this.
    pub(crate) fn hear(&mut self, word: &str) {
        let said = self
            .output
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(MARK).map(str::to_owned));
        assert_eq!(said.as_deref(), Some(word));
    }

    pub(crate) fn say(&mut self, word: &str) {
        writeln!(self.input, "{word}").expect("it listens");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Most have ended by themselves.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child of another test"]
async fn runs_a_storm() {
    let (Ok(redis), Ok(provider)) = (env::var(REDIS), env::var(PROVIDER)) else {
        return;
    };
    println!(); // The harness leaves its line open.
    let engine = engine(&redis, &provider).await;
    println!("{MARK}ready");
    stdin().lines().next().expect("a word").expect("a line");
    let tokens = storm(std::slice::from_ref(&engine)).await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    println!("{MARK}done {}", tokens.len());
}
