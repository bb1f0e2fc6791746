//! A process of its own: this program again, with one test that is none by itself.

use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};

use super::{PROCESSES, engine, storm};

const STORE: &str = "TOKENKEEPER_TEST_STORE";
const PROVIDER: &str = "TOKENKEEPER_TEST_PROVIDER";

/// What a child says begins with it; the rest is the test harness's.
const MARK: char = '@';

/// As many processes as there are, one engine each, all of whose tasks want a token at once.
pub(crate) fn storm_of_children(store: &str, provider: &str) {
    let children = (0..PROCESSES).map(|_| Child::start(store, provider));
    let mut children: Vec<Child> = children.collect();
    children.iter_mut().for_each(|child| child.hear("ready"));
    children.iter_mut().for_each(|child| child.say("go"));
    children.iter_mut().for_each(|child| child.hear("done 64"));
}

struct Child {
    process: process::Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    fn start(store: &str, provider: &str) -> Self {
        let mut process = Command::new(env::current_exe().expect("this program"))
            .args([
                "storm::child::runs_a_storm",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .envs([(STORE, store), (PROVIDER, provider)])
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
    fn hear(&mut self, word: &str) {
        let said = self
            .output
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(MARK).map(str::to_owned));
        assert_eq!(said.as_deref(), Some(word));
    }

    fn say(&mut self, word: &str) {
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
    let (Ok(store), Ok(provider)) = (env::var(STORE), env::var(PROVIDER)) else {
        return;
    };
    println!(); // The harness leaves its line open.
    let engine = engine(&store, &provider).await;
    println!("{MARK}ready");
    stdin().lines().next().expect("a word").expect("a line");
    let tokens = storm(std::slice::from_ref(&engine)).await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    println!("{MARK}done {}", tokens.len());
}
