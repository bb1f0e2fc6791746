//! Entries as rows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{OptionalExtension as _, Row, Statement};
use tokenkeeper_store::{Entry, Key, Version, unix_millis};

/// Finds an entry by the bytes of its key.
pub(crate) const FIND: &str =
    "SELECT version, value, keep_until, due, attention FROM entries WHERE key = ?1";

/// Runs [`FIND`], and returns the entry unless it has expired at `now`.
pub(crate) fn find(
    statement: &mut Statement<'_>,
    key: &[u8],
    now: SystemTime,
) -> rusqlite::Result<Option<Entry>> {
    let entry = statement.query_row([key], read).optional()?;
    Ok(entry.filter(|entry| entry.keep_until.is_none_or(|time| time > now)))
}

/// Returns `now` in milliseconds since 1970, rounded down, so that nothing expires early.
pub(crate) fn passed(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A time as it is stored in a column.
pub(crate) struct Millis(pub(crate) SystemTime);

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        // At most the end of the year 9999, which fits an i64.
        Ok(ToSqlOutput::Owned(Value::Integer(
            unix_millis(self.0).cast_signed(),
        )))
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        let since = u64::try_from(millis).map_err(|_| FromSqlError::OutOfRange(millis))?;
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(since));
        time.map(Self).ok_or(FromSqlError::OutOfRange(millis))
    }
}

/// A key as it is stored in a column.
pub(crate) struct KeyBytes(pub(crate) Key);

impl FromSql for KeyBytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Key::from_bytes(value.as_blob()?)
            .map(Self)
            .map_err(FromSqlError::other)
    }
}

/// A mark as it is stored in a column; other numbers than 0 and 1 are damage.
struct Flag(bool);

impl FromSql for Flag {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self(false)),
            1 => Ok(Self(true)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let time = |column| -> rusqlite::Result<_> {
        Ok(row.get::<_, Option<Millis>>(column)?.map(|millis| millis.0))
    };
    let version = Version::from_bytes(row.get(0)?);
    let entry = Entry::new(version, row.get::<_, Vec<u8>>(1)?)
        .with_keep_until(time(2)?)
        .with_due(time(3)?)
        .with_attention(row.get::<_, Flag>(4)?.0);
    Ok(entry)
}
