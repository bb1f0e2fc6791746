//! The statements of a transaction.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Statement, params};
use tokenkeeper_store::{Entry, Version};

use crate::row::{self, Millis, passed};

/// How many expired entries each transaction removes.
const SWEPT: i64 = 16;

/// How many ended claims each claim removes: more than one call claims.
const SWEPT_CLAIMS: i64 = 1_000;

/// How long an expired entry is kept in the file.
///
/// A removed entry is gone for processes with other clocks too; a clock that is wrong by a day or a
/// time zone can still be corrected.
const MARGIN: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// How many changes are kept for watchers in other processes, and after how many older ones go.
const CHANGES_KEPT: i64 = 1024;
const TRIM_EVERY: i64 = 64;

/// How much old data a transaction removes.
#[derive(Clone, Copy)]
pub(super) enum Sweep {
    /// A few entries that expired long ago: few enough that no write takes long.
    Some,
    /// All of them, and the changes kept for watchers: an entry is worth more than a hint.
    All,
}

/// The prepared statements of a transaction.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    writer: i64,
    find: Statement<'c>,
    put: Statement<'c>,
    delete: Statement<'c>,
    announce: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, writer: i64) -> rusqlite::Result<Self> {
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

    pub(super) fn sweep(&self, now: SystemTime, sweep: Sweep) -> rusqlite::Result<()> {
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

    /// Returns the entry under the bytes of a key, unless it has expired at `now`.
    pub(super) fn find(&mut self, key: &[u8], now: SystemTime) -> rusqlite::Result<Option<Entry>> {
        row::find(&mut self.find, key, now)
    }

    pub(super) fn put(&mut self, key: &[u8], new: &Entry) -> rusqlite::Result<()> {
        self.put.execute(params![
            key,
            new.version.to_bytes(),
            &new.value[..],
            new.keep_until.map(Millis),
            new.due.map(Millis),
            new.attention,
        ])?;
        self.announce(key, Some(new.version))
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> rusqlite::Result<()> {
        self.delete.execute([key])?;
        self.announce(key, None)
    }

    /// Returns the statement that claims an entry.
    pub(super) fn claim(&self) -> rusqlite::Result<Statement<'c>> {
        self.connection.prepare(
            "INSERT INTO claims (id, ends)
             SELECT id, ?2 FROM entries
             WHERE key = ?1 AND due < ?3 AND (keep_until IS NULL OR keep_until > ?4)
             ON CONFLICT (id) DO UPDATE SET ends = ?2 WHERE ends <= ?5",
        )
    }

    /// Removes some of the claims that have ended at `now`.
    pub(super) fn sweep_claims(&self, now: SystemTime) -> rusqlite::Result<()> {
        let delete = "DELETE FROM claims WHERE id IN
            (SELECT id FROM claims WHERE ends <= ?1 ORDER BY ends LIMIT ?2)";
        self.connection
            .execute(delete, [passed(now), SWEPT_CLAIMS])?;
        Ok(())
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
