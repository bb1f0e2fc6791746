//! A claim of due entries.

use std::time::{Duration, SystemTime};

use rusqlite::params;
use tokenkeeper_store::{Key, StoreError, unix_millis};
use tokio::sync::oneshot;

use super::statements::Statements;
use crate::row::{Millis, passed};

/// A claim, and the channel for the keys that it has hidden.
pub(crate) struct Claim {
    pub(crate) keys: Vec<Key>,
    pub(crate) now: SystemTime,
    pub(crate) lasting: Duration,
    /// The time by the store's clock, which decides what has expired.
    pub(crate) clock: SystemTime,
    pub(crate) reply: oneshot::Sender<Result<Vec<Key>, StoreError>>,
    /// The keys that the last transaction has hidden.
    pub(crate) claimed: Vec<Key>,
}

impl Claim {
    pub(super) fn run(&mut self, statements: &mut Statements<'_>) -> rusqlite::Result<()> {
        self.claimed.clear();
        statements.sweep_claims(self.now)?;
        let end = self.now.checked_add(self.lasting);
        // A claim whose end no clock shows never ends.
        let end = end.map_or(i64::MAX, |end| unix_millis(end).cast_signed());
        let (due_before, ended_at) = (Millis(self.now), passed(self.now));
        let mut claim = statements.claim()?;
        for key in &self.keys {
            let bytes = key.to_bytes();
            let clock = passed(self.clock);
            if claim.execute(params![bytes, end, due_before, clock, ended_at])? > 0 {
                self.claimed.push(key.clone());
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, result: Result<(), StoreError>) {
        // The caller may have been dropped.
        let _ = self.reply.send(result.map(|()| self.claimed));
    }
}
