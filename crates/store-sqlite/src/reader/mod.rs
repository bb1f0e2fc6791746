//! The thread that reads, and checks for changes by other processes while there are watchers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};
use tokenkeeper_store::{Change, Entry, Key, Page, StoreError, Version};
use tokio::sync::{broadcast, oneshot};

use crate::fault::Fault;
use crate::file::OpenedFile;
use crate::listing::Listing;
use crate::pace::Pace;
use crate::row::{self, KeyBytes};
use crate::schema;

/// A read, and the channel for its result.
pub(crate) enum Read {
    Entry {
        key: Key,
        now: SystemTime,
        reply: oneshot::Sender<Result<Option<Entry>, StoreError>>,
    },
    Page {
        listing: Listing,
        now: SystemTime,
        limit: usize,
        reply: oneshot::Sender<Result<Page, StoreError>>,
    },
    /// A watcher was added, or the store is used again after a rest.
    Watch,
}

impl Read {
    /// Returns whether the caller may soon wait for another process's change.
    ///
    /// Workers at rest list what is due, and wait for nothing.
    fn may_wait(&self) -> bool {
        matches!(self, Self::Entry { .. } | Self::Watch)
    }
}

/// The state of the thread that reads.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) file: Arc<OpenedFile>,
    /// The id of our changes in the file, which the writer announces itself.
    pub(crate) id: i64,
    /// `None` ends the streams: changes were missed.
    pub(crate) changes: broadcast::Sender<Option<Change>>,
    pub(crate) watch_interval: Duration,
    /// Set while the checks are slow: the next write then sends [`Read::Watch`].
    pub(crate) is_resting: Arc<AtomicBool>,
}

impl Reader {
    /// Does reads until the last handle on the store is dropped.
    pub(crate) fn serve(&self, reads: &Receiver<Read>) {
        let mut find = None;
        let mut watch: Option<Watch> = None;
        loop {
            let next = match &watch {
                Some(watch) => reads.recv_timeout(watch.pace.wait(Instant::now())),
                None => reads.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let is_in_use = match next {
                Ok(read) => {
                    let may_wait = read.may_wait();
                    self.read(read, &mut find);
                    may_wait
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.changes.receiver_count() == 0 {
                watch = None;
            } else {
                let begin = || Watch::begin(&self.connection, self.watch_interval);
                self.follow_others(watch.get_or_insert_with(begin), is_in_use);
            }
            let is_resting = watch.as_ref().is_some_and(|watch| watch.pace.is_slow());
            self.is_resting.store(is_resting, Ordering::Release);
        }
    }

    /// Announces changes by other processes, if a check is due.
    fn follow_others(&self, watch: &mut Watch, is_in_use: bool) {
        let now = Instant::now();
        if is_in_use {
            watch.pace.used(now);
        }
        if watch.pace.may_check(now) {
            let has_found = self.announce_others(watch);
            watch.pace.checked(now, has_found);
        }
    }

    fn read<'c>(&'c self, read: Read, find: &mut Option<Statement<'c>>) {
        // The caller may have been dropped.
        match read {
            Read::Entry { key, now, reply } => {
                let _ = reply.send(
                    self.entry(&key, now, find)
                        .map_err(|fault| self.error(fault)),
                );
            }
            Read::Page {
                listing,
                now,
                limit,
                reply,
            } => {
                let _ = reply.send(
                    self.page(&listing, now, limit)
                        .map_err(|fault| self.error(fault)),
                );
            }
            Read::Watch => {}
        }
    }

    fn entry<'c>(
        &'c self,
        key: &Key,
        now: SystemTime,
        find: &mut Option<Statement<'c>>,
    ) -> Result<Option<Entry>, Fault> {
        let _snapshot = self.snapshot()?;
        let find = match find {
            Some(find) => find,
            None => find.insert(self.connection.prepare(row::FIND)?),
        };
        Ok(row::find(find, &key.to_bytes(), now)?)
    }

    fn page(&self, listing: &Listing, now: SystemTime, limit: usize) -> Result<Page, Fault> {
        let snapshot = self.snapshot()?;
        listing.page(&snapshot, now, limit)
    }

    /// Begins a read transaction, and checks that the schema is known.
    ///
    /// It begins after the call did, so it shows every write that returned before.
    fn snapshot(&self) -> Result<Transaction<'_>, Fault> {
        self.file.check()?;
        let snapshot = Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)?;
        schema::check(&snapshot)?;
        Ok(snapshot)
    }

    fn error(&self, fault: Fault) -> StoreError {
        fault.at(self.file.path())
    }

    /// Announces the changes by other processes since the last check, and returns whether there
    /// are any.
    ///
    /// Errors are ignored, since watching is a hint: the next read meets and reports them.
    fn announce_others(&self, watch: &mut Watch) -> bool {
        let Ok(data) = data_version(&self.connection) else {
            return false;
        };
        if data == watch.data {
            return false;
        }
        let Ok(changes) = self.changes_since(watch.seq) else {
            return false;
        };
        watch.data = data;
        let mut has_found = false;
        // The numbers have no gaps, but only the last changes are kept.
        if changes
            .first()
            .is_some_and(|(seq, ..)| *seq > watch.seq + 1)
        {
            has_found = true;
            let _ = self.changes.send(None);
        }
        for (seq, change, writer) in changes {
            watch.seq = seq;
            if writer != self.id {
                has_found = true;
                // The last watcher may just have been dropped.
                let _ = self.changes.send(Some(change));
            }
        }
        has_found
    }

    fn changes_since(&self, seq: i64) -> rusqlite::Result<Vec<(i64, Change, i64)>> {
        self.connection
            .prepare("SELECT seq, key, version, writer FROM changes WHERE seq > ?1 ORDER BY seq")?
            .query_map([seq], |row| {
                let KeyBytes(key) = row.get(1)?;
                let version: Option<[u8; 16]> = row.get(2)?;
                let change = Change::new(key, version.map(Version::from_bytes));
                Ok((row.get(0)?, change, row.get(3)?))
            })?
            .collect()
    }
}

/// How far the changes in the file have been announced.
struct Watch {
    pace: Pace,
    /// SQLite's counter, which differs once another connection has written.
    data: i64,
    /// The number of the last announced change.
    seq: i64,
}

impl Watch {
    /// Begins now. Later reads show every change that is not announced any more.
    fn begin(connection: &Connection, interval: Duration) -> Self {
        // In this order, a write in between is announced. On errors, the streams end at the next
        // change.
        let data = data_version(connection).unwrap_or_default();
        let seq = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM changes", (), |row| {
                row.get(0)
            })
            .unwrap_or_default();
        Self {
            pace: Pace::new(interval, Instant::now()),
            data,
            seq,
        }
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

#[cfg(test)]
mod tests;
