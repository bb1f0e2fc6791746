//! The thread that reads, and checks for changes by other processes while there are watchers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};
use tokenkeeper_store::{Change, Entry, Key, Page, StoreError, Version};
use tokio::sync::{broadcast, oneshot};

use crate::fault::Fault;
use crate::file::OpenedFile;
use crate::listing::Listing;
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
    /// A watcher was added.
    Watch,
}

/// The state of the thread that reads.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) file: Arc<OpenedFile>,
    /// The id of our changes in the file, which the writer announces itself.
    pub(crate) id: i64,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) watch_interval: Duration,
}

impl Reader {
    /// Does reads until the last handle on the store is dropped.
    pub(crate) fn serve(&self, reads: &Receiver<Read>) {
        let mut find = None;
        let mut watch: Option<Watch> = None;
        loop {
            let next = match &watch {
                Some(watch) => reads.recv_timeout(watch.wait(self.watch_interval)),
                None => reads.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(read) => self.read(read, &mut find),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.changes.receiver_count() == 0 {
                watch = None;
            } else {
                let watch = watch.get_or_insert_with(|| Watch::begin(&self.connection));
                if watch.wait(self.watch_interval).is_zero() {
                    self.announce_others(watch);
                }
            }
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

    /// Announces the changes by other processes since the last check.
    ///
    /// Errors are ignored, since watching is a hint: the next read meets and reports them.
    fn announce_others(&self, watch: &mut Watch) {
        watch.checked = Instant::now();
        let Ok(data) = data_version(&self.connection) else {
            return;
        };
        if data == watch.data {
            return;
        }
        let Ok(changes) = self.changes_since(watch.seq) else {
            return;
        };
        watch.data = data;
        for (seq, change, writer) in changes {
            watch.seq = seq;
            if writer != self.id {
                // The last watcher may just have been dropped.
                let _ = self.changes.send(change);
            }
        }
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
    checked: Instant,
    /// SQLite's counter, which differs once another connection has written.
    data: i64,
    /// The number of the last announced change.
    seq: i64,
}

impl Watch {
    /// Begins now. Later reads show every change that is not announced any more.
    fn begin(connection: &Connection) -> Self {
        // In this order, a write in between is announced. On errors, past changes are announced
        // again.
        let data = data_version(connection).unwrap_or_default();
        let seq = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM changes", (), |row| {
                row.get(0)
            })
            .unwrap_or_default();
        Self {
            checked: Instant::now(),
            data,
            seq,
        }
    }

    fn wait(&self, interval: Duration) -> Duration {
        interval.saturating_sub(self.checked.elapsed())
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}
