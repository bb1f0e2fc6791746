//! The thread that writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior, params};
use tokenkeeper_store::{Change, Entry, Key, Outcome, StoreError, Version};
use tokio::sync::{broadcast, oneshot};

use crate::fault::Fault;
use crate::file::OpenedFile;
use crate::row::{self, Millis, passed};
use crate::schema;

/// How many waiting writes share one transaction, and so one fsync.
const BATCH: usize = 64;

/// How many expired entries each transaction removes.
const SWEPT: i64 = 16;

/// How long an expired entry is kept in the file.
///
/// A removed entry is gone for processes with other clocks too; a clock that is wrong by a day or a
/// time zone can still be corrected.
const MARGIN: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// How many changes are kept for watchers in other processes, and after how many older ones go.
const CHANGES_KEPT: i64 = 1024;
const TRIM_EVERY: i64 = 64;

/// A conditional write, and the channel for its outcome.
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) expected: Option<Version>,
    /// `None` removes the entry.
    pub(crate) new: Option<Entry>,
    pub(crate) now: SystemTime,
    pub(crate) reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// The state of the thread that writes.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) file: Arc<OpenedFile>,
    /// The id of our changes in the file.
    pub(crate) id: i64,
    pub(crate) changes: broadcast::Sender<Change>,
}

/// How much old data a transaction removes.
#[derive(Clone, Copy)]
enum Sweep {
    /// A few entries that expired long ago: few enough that no write takes long.
    Some,
    /// All of them, and the changes kept for watchers: an entry is worth more than a hint.
    All,
}

/// The step at which a transaction failed.
enum TransactionError {
    /// Before the first write: each of them would fail in the same way.
    Begin(Fault),
    Write(Fault),
    Commit(Fault),
}

impl Writer {
    /// Makes writes until the last handle on the store is dropped.
    pub(crate) fn serve(&self, writes: &Receiver<Write>) {
        while let Ok(first) = writes.recv() {
            let mut batch = vec![first];
            batch.extend(writes.try_iter().take(BATCH - 1));
            self.write(batch);
        }
    }

    /// Makes the writes in one transaction.
    ///
    /// If one of them fails, as for lack of room, each gets its own transaction, so that the others
    /// are made.
    fn write(&self, batch: Vec<Write>) {
        let mut result = self.transact(&batch, Sweep::Some);
        if batch.len() == 1 && result.as_ref().is_err_and(TransactionError::is_full) {
            result = self.transact(&batch, Sweep::All);
        }
        let failed = match result {
            Ok(outcomes) => {
                for (write, outcome) in batch.into_iter().zip(outcomes) {
                    write.finish(Ok(outcome), &self.changes);
                }
                return;
            }
            Err(failed) => failed,
        };
        if matches!(failed, TransactionError::Write(_)) && batch.len() > 1 {
            for write in batch {
                self.write(vec![write]);
            }
            return;
        }
        for write in batch {
            let error = failed.error(&write, self.file.path());
            write.finish(Err(error), &self.changes);
        }
    }

    fn transact(&self, batch: &[Write], sweep: Sweep) -> Result<Vec<Outcome>, TransactionError> {
        self.file.check().map_err(TransactionError::Begin)?;
        let transaction = begin(&self.connection).map_err(TransactionError::Begin)?;
        let mut outcomes = Vec::with_capacity(batch.len());
        {
            let mut statements = Statements::prepare(&transaction, self.id)
                .map_err(|error| TransactionError::Begin(error.into()))?;
            let write = |error: rusqlite::Error| TransactionError::Write(error.into());
            statements.sweep(batch[0].now, sweep).map_err(write)?;
            for item in batch {
                outcomes.push(statements.swap(item).map_err(write)?);
            }
        }
        transaction
            .commit()
            .map_err(|error| TransactionError::Commit(error.into()))?;
        Ok(outcomes)
    }
}

impl Write {
    /// Reports the result to the watchers and the caller.
    fn finish(self, result: Result<Outcome, StoreError>, changes: &broadcast::Sender<Change>) {
        // Either may be gone. Watchers come first: a watcher that begins after the answer is not
        // told of this write.
        if matches!(result, Ok(Outcome::Applied)) {
            let version = self.new.as_ref().map(|entry| entry.version);
            let _ = changes.send(Change::new(self.key, version));
        }
        let _ = self.reply.send(result);
    }
}

impl TransactionError {
    fn is_full(&self) -> bool {
        let (Self::Begin(fault) | Self::Write(fault) | Self::Commit(fault)) = self;
        fault.is_full()
    }

    fn error(&self, write: &Write, path: &Path) -> StoreError {
        // Only a new key is refused: an existing entry can be written as soon as there is room.
        if self.is_full() && write.expected.is_none() {
            return StoreError::Full;
        }
        match self {
            Self::Commit(fault) => fault.clone().at_commit(path),
            Self::Begin(fault) | Self::Write(fault) => fault.clone().at(path),
        }
    }
}

/// Takes the write lock at once: a reader that became a writer could find another process's write.
fn begin(connection: &Connection) -> Result<Transaction<'_>, Fault> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    schema::check(&transaction)?;
    Ok(transaction)
}

/// The prepared statements of a transaction.
struct Statements<'c> {
    connection: &'c Connection,
    writer: i64,
    find: Statement<'c>,
    put: Statement<'c>,
    delete: Statement<'c>,
    announce: Statement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection, writer: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            writer,
            find: connection.prepare(row::FIND)?,
            put: connection.prepare(
                "INSERT INTO entries (key, version, value, keep_until, due, attention)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (key) DO UPDATE
                 SET version = ?2, value = ?3, keep_until = ?4, due = ?5, attention = ?6",
            )?,
            delete: connection.prepare("DELETE FROM entries WHERE key = ?1")?,
            announce: connection
                .prepare("INSERT INTO changes (key, version, writer) VALUES (?1, ?2, ?3)")?,
        })
    }

    fn sweep(&self, now: SystemTime, sweep: Sweep) -> rusqlite::Result<()> {
        let delete = "DELETE FROM entries WHERE id IN
            (SELECT id FROM entries WHERE keep_until <= ?1 ORDER BY keep_until LIMIT ?2)";
        let before = passed(now.checked_sub(MARGIN).unwrap_or(UNIX_EPOCH));
        match sweep {
            Sweep::Some => self.connection.execute(delete, [before, SWEPT])?,
            Sweep::All => {
                self.connection.execute(delete, [before, -1])?;
                let trim = "DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)";
                self.connection.execute(trim, ())?
            }
        };
        Ok(())
    }

    fn swap(&mut self, write: &Write) -> rusqlite::Result<Outcome> {
        let key = write.key.to_bytes();
        let there = row::find(&mut self.find, &key, write.now)?;
        if there.as_ref().map(|entry| entry.version) != write.expected {
            return Ok(Outcome::Conflict(there));
        }
        match &write.new {
            Some(new) => self.put.execute(params![
                key,
                new.version.to_bytes(),
                &new.value[..],
                new.keep_until.map(Millis),
                new.due.map(Millis),
                new.attention,
            ])?,
            None => self.delete.execute([&key])?,
        };
        self.announce(&key, write.new.as_ref().map(|new| new.version))?;
        Ok(Outcome::Applied)
    }

    fn announce(&mut self, key: &[u8], version: Option<Version>) -> rusqlite::Result<()> {
        let version = version.map(Version::to_bytes);
        let seq = self.announce.insert(params![key, version, self.writer])?;
        if seq % TRIM_EVERY == 0 {
            self.connection
                .execute("DELETE FROM changes WHERE seq <= ?1", [seq - CHANGES_KEPT])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
