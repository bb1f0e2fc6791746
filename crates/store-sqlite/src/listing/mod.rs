//! Pages of keys, read by the indexes.
//!
//! A cursor is a letter for its listing and the last item of the previous page, so that items added
//! or removed between two pages shift nothing.

use std::time::SystemTime;

use rusqlite::{Connection, Row, params};
use tokenkeeper_store::{Cursor, Filter, Key, Page, StoreError, unix_millis};

use crate::fault::Fault;
use crate::row::{KeyBytes, passed};

/// In the order of the keys' bytes.
const ALL: &str = "
    SELECT key FROM entries
    WHERE key > ?1 AND (keep_until IS NULL OR keep_until > ?2)
    ORDER BY key LIMIT ?3";

/// In the order of the row ids, which an entry keeps until it is removed.
const ATTENTION: &str = "
    SELECT key, id FROM entries
    WHERE attention = 1 AND id > ?1 AND (keep_until IS NULL OR keep_until > ?2)
    ORDER BY id LIMIT ?3";

/// In the order of the due times, without claimed entries.
const DUE: &str = "
    SELECT key, due, id FROM entries
    WHERE due IS NOT NULL AND (due, id) > (?1, ?2) AND due < ?3
      AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.id = entries.id AND ends > ?4)
      AND (keep_until IS NULL OR keep_until > ?5)
    ORDER BY due, id LIMIT ?6";

/// A page to read: of which listing, and after which item.
pub(crate) enum Listing {
    All {
        after: Vec<u8>,
    },
    Attention {
        after: i64,
    },
    Due {
        after: (i64, i64),
        before: SystemTime,
    },
}

impl Listing {
    /// # Errors
    /// A cursor of another listing, or an unknown filter.
    pub(crate) fn new(filter: Filter, cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        let after = cursor.map(Cursor::as_bytes);
        match filter {
            Filter::All => match after {
                None => Some(Vec::new()),
                Some([b'k', key @ ..]) => Key::from_bytes(key).ok().map(|key| key.to_bytes()),
                Some(_) => None,
            }
            .map(|after| Self::All { after }),
            Filter::Attention => match after {
                None => Some(i64::MIN),
                Some([b'a', id @ ..]) => number(id),
                Some(_) => None,
            }
            .map(|after| Self::Attention { after }),
            Filter::DueBefore(time) => match after {
                None => Some((i64::MIN, i64::MIN)),
                Some([b'd', bytes @ ..]) => bytes
                    .split_at_checked(8)
                    .and_then(|(due, id)| Some((number(due)?, number(id)?))),
                Some(_) => None,
            }
            .map(|after| Self::Due {
                after,
                before: time,
            }),
            _ => return Err(StoreError::Unsupported("this filter")),
        }
        .ok_or_else(|| {
            StoreError::other("the cursor is not one of this listing: start over without one")
        })
    }

    /// Reads the page, without entries that have expired at `now`; `limit` is at least 1.
    pub(crate) fn page(
        &self,
        connection: &Connection,
        now: SystemTime,
        limit: usize,
    ) -> Result<Page, Fault> {
        let (now, rows) = (passed(now), i64::try_from(limit).unwrap_or(i64::MAX));
        let mut keys = Vec::new();
        let mut last = None;
        let mut take = |row: &Row<'_>, cursor: fn(&Row<'_>) -> rusqlite::Result<Vec<u8>>| {
            keys.push(row.get::<_, KeyBytes>(0)?.0);
            if keys.len() == limit {
                last = Some(Cursor::new(cursor(row)?));
            }
            Ok::<_, rusqlite::Error>(())
        };
        match self {
            Self::All { after } => {
                let mut statement = connection.prepare(ALL)?;
                let mut found = statement.query(params![after, now, rows])?;
                while let Some(row) = found.next()? {
                    take(row, |row| Ok([b"k", row.get_ref(0)?.as_blob()?].concat()))?;
                }
            }
            Self::Attention { after } => {
                let mut statement = connection.prepare(ATTENTION)?;
                let mut found = statement.query([*after, now, rows])?;
                while let Some(row) = found.next()? {
                    take(row, |row| {
                        Ok([&b"a"[..], &row.get::<_, i64>(1)?.to_be_bytes()].concat())
                    })?;
                }
            }
            Self::Due { after, before } => {
                let mut statement = connection.prepare(DUE)?;
                let (due, claimed) = (unix_millis(*before).cast_signed(), passed(*before));
                let mut found = statement.query([after.0, after.1, due, claimed, now, rows])?;
                while let Some(row) = found.next()? {
                    take(row, |row| {
                        let (due, id): (i64, i64) = (row.get(1)?, row.get(2)?);
                        Ok([&b"d"[..], &due.to_be_bytes(), &id.to_be_bytes()].concat())
                    })?;
                }
            }
        }
        Ok(Page::new(keys, last))
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
