//! A worker's event log: one write per line, so that nothing is lost on SIGKILL.

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use futures_util::StreamExt as _;
use tokenkeeper::Accounts;

use crate::{
    config,
    message::{Line, Micros, WorkerEvent, now},
};

/// Writes events to standard output.
#[derive(Clone, Debug)]
pub(crate) struct EventWriter;

/// A process that did not run for this long was stalled.
const STALL: Micros = 90_000;

impl EventWriter {
    pub(crate) fn write(&self, event: WorkerEvent) {
        let line = Line { at: now(), event };
        let mut text = serde_json::to_string(&line).expect("a line has string keys");
        text.push('\n');
        // One write per line. If it fails, the director is gone.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Starts a thread that reports when the process did not run.
    pub(crate) fn watch_stalls(&self) -> io::Result<()> {
        let writer = self.clone();
        let watch = move || {
            loop {
                let from = now();
                thread::sleep(Duration::from_millis(20));
                if now().saturating_sub(from) > STALL {
                    writer.write(WorkerEvent::Stalled { from });
                }
            }
        };
        thread::Builder::new()
            .name("stalls".to_owned())
            .spawn(watch)?;
        Ok(())
    }

    /// Starts a task that reports the engine's events.
    pub(crate) fn forward_engine_events(&self, accounts: &Accounts) {
        let (writer, mut events) = (self.clone(), accounts.events());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Some(account) = config::account_of(event.account.subject()) {
                    let event = format!("{:?}", event.kind);
                    writer.write(WorkerEvent::Event { account, event });
                }
            }
        });
    }
}
