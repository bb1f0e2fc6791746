//! A child process with one engine.

use std::env;
use std::io::stdin;

use super::process::{Process, begin_reports, report};
use super::{account_of, engine, storm};

const STORE: &str = "TOKENKEEPER_TEST_STORE";
const PROVIDER: &str = "TOKENKEEPER_TEST_PROVIDER";

/// A process with one engine on a store.
pub(super) struct Child(Process);

impl Child {
    pub(super) fn start(store: &str, provider: &str) -> Self {
        let variables = [(STORE, store.as_ref()), (PROVIDER, provider.as_ref())];
        let process = Process::start("storm::child::runs_storms", &variables, |command| command);
        Self(process)
    }

    pub(super) fn wait_until_ready(&mut self) {
        assert_eq!(self.0.hear().as_deref(), Some("ready"));
    }

    /// Makes its tasks ask for a token of this account, all at once.
    pub(super) fn begin(&mut self, subject: &str) {
        self.0.tell(subject);
    }

    /// Returns the tokens of its tasks.
    pub(super) fn tokens(&mut self) -> Vec<String> {
        let tokens = self.0.hear().expect("a running process");
        tokens.split(' ').map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child of another test"]
async fn runs_storms() {
    let (Ok(store), Ok(provider)) = (env::var(STORE), env::var(PROVIDER)) else {
        return;
    };
    begin_reports();
    let engine = engine(&store, &provider).await;
    report("ready");
    // The input ends with the test.
    while let Some(subject) = stdin().lines().next() {
        let account = account_of(&engine, &subject.expect("a line"));
        report(&storm(&[account]).await.join(" "));
    }
}
