//! How a worker speaks: a line at once, so that it is heard of a process that is killed right after.

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use futures_util::StreamExt as _;
use tokenkeeper::Accounts;

use crate::{
    said::{Line, Micros, Said, now},
    terms,
};

/// Says lines on the standard output.
#[derive(Clone, Debug)]
pub(crate) struct Mouth;

/// A process that did not run for this long was held up.
const STALL: Micros = 90_000;

impl Mouth {
    pub(crate) fn say(&self, said: Said) {
        let line = Line { at: now(), said };
        let mut text = serde_json::to_string(&line).expect("a line has string keys");
        text.push('\n');
        // Whole, in one write; nobody listens any more if it fails.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// A thread that notices when the process did not run.
    pub(crate) fn tell_of_stalls(&self) -> io::Result<()> {
        let mouth = self.clone();
        let watch = move || {
            loop {
                let from = now();
                thread::sleep(Duration::from_millis(20));
                if now().saturating_sub(from) > STALL {
                    mouth.say(Said::Stalled { from });
                }
            }
        };
        thread::Builder::new()
            .name("stalls".to_owned())
            .spawn(watch)?;
        Ok(())
    }

    /// A task that repeats what the engine tells.
    pub(crate) fn tell_of_events(&self, accounts: &Accounts) {
        let (mouth, mut events) = (self.clone(), accounts.events());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Some(account) = terms::account_of(event.account.subject()) {
                    let event = format!("{:?}", event.kind);
                    mouth.say(Said::Event { account, event });
                }
            }
        });
    }
}
