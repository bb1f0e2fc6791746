//! The index by which listings, the limit and sweeps avoid a scan of all entries.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{self, Excluded, Unbounded};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_store::{Cursor, Entry, Filter, Key, Page, StoreError, unix_millis};

/// Sorted sets of all keys, and of the keys whose entries have a time or the mark.
#[derive(Default)]
pub(crate) struct Index {
    keys: BTreeSet<Key>,
    due: BTreeSet<(u64, Key)>,
    expiring: BTreeSet<(u64, Key)>,
    attention: BTreeSet<Key>,
    /// When the claims end. Those that have ended stay until the next write of the key.
    claims: HashMap<Key, u64>,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Follows a write that replaced `old` by `new` under `key`.
    pub(crate) fn change(&mut self, key: &Key, old: Option<&Entry>, new: Option<&Entry>) {
        move_key(&mut self.keys, key, old.is_some(), new.is_some());
        move_key(
            &mut self.attention,
            key,
            old.is_some_and(|old| old.attention),
            new.is_some_and(|new| new.attention),
        );
        let due = |entry: Option<&Entry>| entry.and_then(|entry| entry.due).map(unix_millis);
        move_time(&mut self.due, key, due(old), due(new));
        let keep_until =
            |entry: Option<&Entry>| entry.and_then(|entry| entry.keep_until).map(unix_millis);
        move_time(&mut self.expiring, key, keep_until(old), keep_until(new));
        self.claims.remove(key);
    }

    /// Hides the key of a due entry until `end`, unless it is hidden at `now`.
    pub(crate) fn claim(&mut self, key: &Key, now: SystemTime, end: u64) -> bool {
        let is_free = !self.is_claimed(key, now);
        if is_free {
            self.claims.insert(key.clone(), end);
        }
        is_free
    }

    fn is_claimed(&self, key: &Key, time: SystemTime) -> bool {
        let end = self.claims.get(key);
        end.is_some_and(|end| from_millis(*end) > time)
    }

    /// Returns a key whose entry has expired at `now`, if there is one.
    pub(crate) fn expired(&self, now: SystemTime) -> Option<Key> {
        let (time, key) = self.expiring.first()?;
        (from_millis(*time) <= now).then(|| key.clone())
    }

    /// Returns the page after `cursor`.
    ///
    /// A cursor holds the last item of the previous page, so that items added or removed between
    /// two pages shift nothing.
    pub(crate) fn page(
        &self,
        filter: Filter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        match filter {
            Filter::All => key_page(&self.keys, cursor, limit),
            Filter::Attention => key_page(&self.attention, cursor, limit),
            Filter::DueBefore(time) => self.due_page(time, cursor, limit),
            _ => Err(StoreError::Unsupported("this filter")),
        }
    }

    /// Returns a page by due time, earliest first. The cursor is the last time in 8 bytes, and its
    /// key.
    fn due_page(
        &self,
        before: SystemTime,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let last = match cursor.map(Cursor::as_bytes) {
            None => None,
            Some(bytes) => {
                let (time, key) = bytes.split_first_chunk::<8>().ok_or_else(not_our_cursor)?;
                Some((u64::from_be_bytes(*time), read_key(key)?))
            }
        };
        let items: Vec<&(u64, Key)> = self
            .due
            .range((after(last), Unbounded))
            .take_while(|(time, _)| from_millis(*time) < before)
            .filter(|(_, key)| !self.is_claimed(key, before))
            .take(limit)
            .collect();
        let next = items.get(limit - 1).map(|(time, key)| {
            let mut bytes = time.to_be_bytes().to_vec();
            bytes.extend(key.to_bytes());
            Cursor::new(bytes)
        });
        let keys = items.into_iter().map(|(_, key)| key.clone()).collect();
        Ok(Page::new(keys, next))
    }
}

fn move_key(keys: &mut BTreeSet<Key>, key: &Key, was: bool, is: bool) {
    match (was, is) {
        (false, true) => _ = keys.insert(key.clone()),
        (true, false) => _ = keys.remove(key),
        _ => {}
    }
}

fn move_time(times: &mut BTreeSet<(u64, Key)>, key: &Key, was: Option<u64>, is: Option<u64>) {
    if was == is {
        return;
    }
    if let Some(time) = was {
        times.remove(&(time, key.clone()));
    }
    if let Some(time) = is {
        times.insert((time, key.clone()));
    }
}

fn key_page(
    keys: &BTreeSet<Key>,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page, StoreError> {
    let last = cursor
        .map(|cursor| read_key(cursor.as_bytes()))
        .transpose()?;
    let keys: Vec<Key> = keys
        .range((after(last), Unbounded))
        .take(limit)
        .cloned()
        .collect();
    let next = keys.get(limit - 1).map(|last| Cursor::new(last.to_bytes()));
    Ok(Page::new(keys, next))
}

fn after<T>(last: Option<T>) -> Bound<T> {
    last.map_or(Unbounded, Excluded)
}

fn read_key(bytes: &[u8]) -> Result<Key, StoreError> {
    Key::from_bytes(bytes).map_err(|_| not_our_cursor())
}

fn not_our_cursor() -> StoreError {
    StoreError::other("the cursor is not one of this listing: start over without one")
}

fn from_millis(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}
