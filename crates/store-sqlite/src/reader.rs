//! The thread that reads, and looks for the changes of other processes while somebody watches.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};
use tokenkeeper_store::{Change, Entry, Key, Page, StoreError, Version};
use tokio::sync::{broadcast, oneshot};

use crate::fault::Fault;
use crate::file::Opened;
use crate::listing::Listing;
use crate::row::{self, KeyBytes};
use crate::schema;

/// What is to be read, and who waits for it.
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
    /// Somebody watches from now on.
    Watch,
}

pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) file: Arc<Opened>,
    /// Which changes in the file are ours: the writer tells of these itself.
    pub(crate) id: i64,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) watch_interval: Duration,
}

impl Reader {
    /// Does the reads that come, until nobody can send one any more.
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
                    self.look(watch);
                }
            }
        }
    }

    fn read<'c>(&'c self, read: Read, find: &mut Option<Statement<'c>>) {
        // Nobody need be waiting any more.
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

    /// The file as it is now, of a schema that we can read. It begins after the call did, so it shows all that anybody
    /// was told of before.
    fn snapshot(&self) -> Result<Transaction<'_>, Fault> {
        self.file.check()?;
        let snapshot = Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)?;
        schema::check(&snapshot)?;
        Ok(snapshot)
    }

    fn error(&self, fault: Fault) -> StoreError {
        fault.at(self.file.path())
    }

    /// Tells of what others have changed since the last look. Watching is a hint: what fails here fails for the next
    /// read too, which says so.
    fn look(&self, watch: &mut Watch) {
        watch.looked = Instant::now();
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
                // The last watcher may have just left.
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

/// What a watcher has been told of.
struct Watch {
    looked: Instant,
    /// Changes when another connection has written.
    data: i64,
    /// The last change.
    seq: i64,
}

impl Watch {
    /// From now on. Reads that are asked for after it see at least what is not told of any more.
    fn begin(connection: &Connection) -> Self {
        // In this order, what is written in between is told of. Where it fails, what is kept of the past is told of.
        let data = data_version(connection).unwrap_or_default();
        let seq = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM changes", (), |row| {
                row.get(0)
            })
            .unwrap_or_default();
        Self {
            looked: Instant::now(),
            data,
            seq,
        }
    }

    fn wait(&self, interval: Duration) -> Duration {
        interval.saturating_sub(self.looked.elapsed())
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}
