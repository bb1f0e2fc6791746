//! The listings of a store that makes one mistake.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_store::{Cursor, Entry, Filter, Key, Page, StoreError, unix_millis};

use super::fault::Fault as F;
use super::store::Broken;

impl Broken {
    pub(super) fn page(
        &self,
        filter: Filter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if self.fault == F::ListsNothingInsteadOfAnError {
            return Err(StoreError::other("not implemented"));
        }
        if self.fault == F::CursorsKeepTheTime
            && let Filter::DueBefore(time) = filter
        {
            return self.page_at_first_time(time, cursor, limit);
        }
        self.page_of(filter, cursor, limit)
    }

    fn page_at_first_time(
        &self,
        time: SystemTime,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let first = cursor.and_then(|cursor| cursor.as_bytes().split_first_chunk::<8>());
        let (time, cursor) = match first {
            Some((millis, place)) => {
                let since = Duration::from_millis(u64::from_be_bytes(*millis));
                (UNIX_EPOCH + since, Some(Cursor::new(place.to_vec())))
            }
            None => (time, None),
        };
        let page = self.page_of(Filter::DueBefore(time), cursor.as_ref(), limit)?;
        let time = unix_millis(time).to_be_bytes();
        let next = |next: Cursor| Cursor::new([&time[..], next.as_bytes()].concat());
        Ok(Page::new(page.keys, page.next.map(next)))
    }

    fn page_of(
        &self,
        filter: Filter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let limit = if self.fault == F::ListsTooMany {
            limit + 1
        } else {
            limit
        };
        let mut keys = self.listed(filter);
        if matches!(self.fault, F::ListsByOffset | F::ListsTwice) {
            let from = cursor
                .and_then(|cursor| str::from_utf8(cursor.as_bytes()).ok()?.parse().ok())
                .unwrap_or(0);
            let next = (from + limit < keys.len()).then(|| Cursor::new((from + limit).to_string()));
            let keys = keys.into_iter().skip(from).take(limit).collect();
            return Ok(Page::new(keys, next));
        }
        keys.sort_by_cached_key(|key| self.place(filter, key));
        if let Some(cursor) = cursor {
            let is_last = |key: &Key| self.place(filter, key).as_slice() == cursor.as_bytes();
            if self.fault == F::CursorsNeedTheirEntry && !keys.iter().any(is_last) {
                return Err(StoreError::other("the entry of the cursor is gone"));
            }
            keys.retain(|key| self.place(filter, key).as_slice() > cursor.as_bytes());
        }
        keys.truncate(limit);
        let next = keys
            .last()
            .filter(|_| keys.len() == limit)
            .map(|key| Cursor::new(self.place(filter, key)));
        if self.fault == F::SortsOnlyWithinPages {
            keys.sort_by_cached_key(|key| self.due(key));
        }
        Ok(Page::new(keys, next))
    }

    /// The place of a key in a listing, by which it is sorted.
    fn place(&self, filter: Filter, key: &Key) -> Vec<u8> {
        match (filter, self.fault) {
            (Filter::DueBefore(_), F::ListsDueByKey | F::SortsOnlyWithinPages) => key.to_bytes(),
            (Filter::DueBefore(_), F::ListsOneOfAnyDueTime) => self.due(key).to_vec(),
            (Filter::DueBefore(_), _) => [&self.due(key)[..], &key.to_bytes()].concat(),
            _ => key.to_bytes(),
        }
    }

    fn due(&self, key: &Key) -> [u8; 8] {
        let due = self.there(key).and_then(|entry| entry.due);
        due.map(unix_millis).unwrap_or_default().to_be_bytes()
    }

    fn listed(&self, filter: Filter) -> Vec<Key> {
        let entries = self.shared.entries.lock().expect("no panic");
        let second = |time| unix_millis(time) / 1_000;
        let accepts = |entry: &Entry| match (self.fault, filter) {
            (F::ListsDueInclusive, Filter::DueBefore(time)) => {
                entry.due.is_some_and(|due| due <= time)
            }
            (F::ListsDueBySecond, Filter::DueBefore(time)) => {
                entry.due.is_some_and(|due| second(due) < second(time))
            }
            (F::ListsAllForAttention, Filter::Attention) => true,
            _ => filter.accepts(entry),
        };
        let accepted = entries.values().filter(|kept| accepts(&kept.entry));
        let mut keys: Vec<Key> = accepted.map(|kept| kept.key.clone()).collect();
        drop(entries);
        if self.fault != F::ListsExpiredKeys {
            keys.retain(|key| self.there(key).is_some());
        }
        match filter {
            Filter::DueBefore(time) if self.fault != F::ClaimsHideNothing => {
                keys.retain(|key| !self.is_claimed(key, time));
            }
            Filter::All if self.fault == F::ClaimsHideFromAllListings => {
                keys.retain(|key| !self.is_claimed(key, self.shared.clock.now()));
            }
            _ => {}
        }
        match self.fault {
            F::ListsRemovedKeys => {
                keys.extend(self.shared.gone.lock().expect("no panic").iter().cloned());
            }
            F::ListsTwice => keys.extend(keys.clone()),
            _ => {}
        }
        keys
    }
}
