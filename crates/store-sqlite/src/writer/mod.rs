//! The thread that writes.

mod claim;
mod statements;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::SystemTime;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokenkeeper_store::{Change, StoreError};
use tokio::sync::broadcast;

pub(crate) use self::claim::Claim;
use self::statements::{Statements, Sweep};
pub(crate) use self::write::Write;
use crate::fault::Fault;
use crate::file::OpenedFile;
use crate::log::LogWatch;
use crate::schema;

/// How many waiting jobs share one transaction, and so one fsync.
const BATCH: usize = 64;

/// A change of the file, and the channel for its outcome.
pub(crate) enum Job {
    Write(Write),
    Claim(Claim),
}

/// The state of the thread that writes.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) file: Arc<OpenedFile>,
    /// The id of our changes in the file.
    pub(crate) id: i64,
    pub(crate) changes: broadcast::Sender<Option<Change>>,
    pub(crate) log: LogWatch,
}

/// The step at which a transaction failed.
enum TransactionError {
    /// Before the first write: each of them would fail in the same way.
    Begin(Fault),
    Write(Fault),
    Commit(Fault),
}

impl Writer {
    /// Does jobs until the last handle on the store is dropped.
    pub(crate) fn serve(&self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(BATCH - 1));
            self.perform(batch);
        }
    }

    /// Does the jobs in one transaction.
    ///
    /// If one of them fails, as for lack of room, each gets its own transaction, so that the others
    /// are done.
    fn perform(&self, mut batch: Vec<Job>) {
        let mut result = self.transact(&mut batch, Sweep::Some);
        if batch.len() == 1 && result.as_ref().is_err_and(TransactionError::is_full) {
            result = self.transact(&mut batch, Sweep::All);
        }
        if matches!(result, Err(TransactionError::Write(_))) && batch.len() > 1 {
            for job in batch {
                self.perform(vec![job]);
            }
            return;
        }
        let is_written = result.is_ok();
        for job in batch {
            let result = match &result {
                Ok(()) => Ok(()),
                Err(failed) => Err(failed.error(&job, self.file.path())),
            };
            job.finish(result, &self.changes);
        }
        // Last: no caller waits for it.
        if is_written {
            self.log.look(&self.connection);
        }
    }

    fn transact(&self, batch: &mut [Job], sweep: Sweep) -> Result<(), TransactionError> {
        self.file.check().map_err(TransactionError::Begin)?;
        let transaction = begin(&self.connection).map_err(TransactionError::Begin)?;
        {
            let mut statements = Statements::prepare(&transaction, self.id)
                .map_err(|error| TransactionError::Begin(error.into()))?;
            let write = |error: rusqlite::Error| TransactionError::Write(error.into());
            statements.sweep(batch[0].now(), sweep).map_err(write)?;
            for job in batch {
                job.run(&mut statements).map_err(write)?;
            }
        }
        transaction
            .commit()
            .map_err(|error| TransactionError::Commit(error.into()))
    }
}

impl Job {
    /// Does it in the transaction of these statements, and keeps the outcome.
    fn run(&mut self, statements: &mut Statements<'_>) -> rusqlite::Result<()> {
        match self {
            Self::Write(write) => write.run(statements),
            Self::Claim(claim) => claim.run(statements),
        }
    }

    /// Reports the outcome, which is on the disk, or the error of the transaction.
    fn finish(self, result: Result<(), StoreError>, changes: &broadcast::Sender<Option<Change>>) {
        match self {
            Self::Write(write) => write.finish(result, changes),
            Self::Claim(claim) => claim.finish(result),
        }
    }

    /// The time by the clock of its caller.
    fn now(&self) -> SystemTime {
        match self {
            Self::Write(write) => write.now,
            Self::Claim(claim) => claim.clock,
        }
    }

    fn is_new_key(&self) -> bool {
        matches!(self, Self::Write(write) if write.expected.is_none())
    }
}

impl TransactionError {
    fn is_full(&self) -> bool {
        let (Self::Begin(fault) | Self::Write(fault) | Self::Commit(fault)) = self;
        fault.is_full()
    }

    fn error(&self, job: &Job, path: &Path) -> StoreError {
        // Only a new key is refused: an existing entry can be written as soon as there is room.
        if self.is_full() && job.is_new_key() {
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

#[cfg(test)]
mod tests;
