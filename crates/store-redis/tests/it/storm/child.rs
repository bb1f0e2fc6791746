//! A process of its own: this program again, with one test that is none by itself.

use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};

use super::{account_of, engine, storm};

const STORE: &str = "TOKENKEEPER_TEST_STORE";
const PROVIDER: &str = "TOKENKEEPER_TEST_PROVIDER";

/// What a child says begins with it; the rest is the test harness's.
const MARK: char = '@';

/// One engine in a process of its own.
pub(super) struct Child {
    process: process::Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub(super) fn start(store: &str, provider: &str) -> Self {
        let mut process = Command::new(env::current_exe().expect("this program"))
            .args([
                "storm::child::runs_storms",
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

    pub(super) fn wait_until_ready(&mut self) {
        assert_eq!(self.hear(), "ready");
    }

    /// Has its tasks ask for a token of this account, all at once.
    pub(super) fn begin(&mut self, subject: &str) {
        writeln!(self.input, "{subject}").expect("it listens");
    }

    /// What the tasks got.
    pub(super) fn tokens(&mut self) -> Vec<String> {
        self.hear().split(' ').map(str::to_owned).collect()
    }

    /// Waits for what it says next.
    fn hear(&mut self) -> String {
        self.output
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(MARK).map(str::to_owned))
            .expect("it lives")
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
async fn runs_storms() {
    let (Ok(store), Ok(provider)) = (env::var(STORE), env::var(PROVIDER)) else {
        return;
    };
    println!(); // The harness leaves its line open.
    let engine = engine(&store, &provider).await;
    println!("{MARK}ready");
    // Its input ends when nobody wants a further storm.
    while let Some(subject) = stdin().lines().next() {
        let account = account_of(&engine, &subject.expect("a line"));
        println!("{MARK}{}", storm(&[account]).await.join(" "));
    }
}
