//! A conditional write.

use std::time::SystemTime;

use tokenkeeper_store::{Change, Entry, Key, Outcome, StoreError, Version};
use tokio::sync::{broadcast, oneshot};

use super::statements::Statements;
use crate::error::SqliteError;

/// A conditional write, and the channel for its outcome.
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) expected: Option<Version>,
    /// `None` removes the entry.
    pub(crate) new: Option<Entry>,
    pub(crate) now: SystemTime,
    pub(crate) reply: oneshot::Sender<Result<Outcome, StoreError>>,
    /// The outcome in the last transaction.
    pub(crate) outcome: Option<Outcome>,
}

impl Write {
    pub(super) fn run(&mut self, statements: &mut Statements<'_>) -> rusqlite::Result<()> {
        let key = self.key.to_bytes();
        let there = statements.find(&key, self.now)?;
        self.outcome = Some(
            if there.as_ref().map(|entry| entry.version) == self.expected {
                match &self.new {
                    Some(new) => statements.put(&key, new)?,
                    None => statements.delete(&key)?,
                }
                Outcome::Applied
            } else {
                Outcome::Conflict(there)
            },
        );
        Ok(())
    }

    /// Reports the result to the watchers and the caller.
    pub(super) fn finish(
        self,
        result: Result<(), StoreError>,
        changes: &broadcast::Sender<Option<Change>>,
    ) {
        let outcome = self.outcome.ok_or(SqliteError::Stopped);
        let result = result.and_then(|()| Ok(outcome?));
        // Either may be gone. Watchers come first: a watcher that begins after the answer is not
        // told of this write.
        if matches!(result, Ok(Outcome::Applied)) {
            let version = self.new.as_ref().map(|entry| entry.version);
            let _ = changes.send(Some(Change::new(self.key, version)));
        }
        let _ = self.reply.send(result);
    }
}
