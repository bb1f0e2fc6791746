//! A store that makes one mistake.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokenkeeper_store::conformance::{Cut, ManualClock, Subject};
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
    unix_millis,
};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::yield_now;

use super::fault::Fault;
use super::fault::Fault as F;
use super::link::Link;

/// A handle on the entries of a broken store.
#[derive(Clone, Debug)]
struct Broken {
    fault: Fault,
    /// Which handle this is: the store's or its peer's.
    number: u8,
    shared: Arc<Shared>,
    link: Arc<Link>,
}

#[derive(Debug)]
struct Shared {
    clock: ManualClock,
    entries: Mutex<BTreeMap<Vec<u8>, Kept>>,
    /// Keys of removed entries.
    gone: Mutex<Vec<Key>>,
    /// Changes, each with the number of the handle that made it.
    changes: tokio::sync::broadcast::Sender<(u8, Change)>,
}

#[derive(Clone, Debug)]
struct Kept {
    key: Key,
    entry: Entry,
    first_keep_until: Option<SystemTime>,
}

pub(super) fn broken(fault: Fault) -> Subject {
    let clock = ManualClock::new();
    let shared = Arc::new(Shared {
        clock: clock.clone(),
        entries: Mutex::default(),
        gone: Mutex::default(),
        changes: tokio::sync::broadcast::Sender::new(16),
    });
    let link = Arc::new(Link::default());
    let store = Broken {
        fault,
        number: 0,
        shared,
        link: link.clone(),
    };
    let peer = Broken {
        number: 1,
        ..store.clone()
    };
    Subject::new(store)
        .with_peer(peer)
        .with_clock(clock)
        .with_cutter(link)
        .must_list()
        .must_watch()
        .must_expire()
}

impl Broken {
    fn bytes(&self, key: &Key) -> Vec<u8> {
        match self.fault {
            F::JoinsKeysWithColons => [key.brand(), key.base(), key.client_id(), key.subject()]
                .join(":")
                .into(),
            F::IgnoresTheClientId => [key.brand(), key.base(), key.subject()].join("\0").into(),
            F::LowersCase => key.to_bytes().to_ascii_lowercase(),
            F::CutsKeys => key.to_bytes().into_iter().take(255).collect(),
            _ => key.to_bytes(),
        }
    }

    fn there(&self, key: &Key) -> Option<Entry> {
        let entries = self.shared.entries.lock().expect("no panic");
        let kept = entries.get(&self.bytes(key))?;
        let hour = Duration::from_secs(3_600);
        let until = match self.fault {
            F::ForgetsEarly => kept.entry.keep_until.map(|time| time - hour),
            F::ForgetsLate => kept.entry.keep_until.map(|time| time + hour),
            // As a column of signed 32-bit seconds would.
            F::ForgetsTheFarFuture => kept.entry.keep_until.map(|time| {
                let seconds = (unix_millis(time) / 1_000) as i32;
                UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default())
            }),
            F::ForgetsByTheFirstKeepUntil => kept.first_keep_until,
            _ => kept.entry.keep_until,
        };
        until
            .is_none_or(|until| until > self.shared.clock.now())
            .then(|| kept.entry.clone())
    }

    fn write(&self, key: &Key, entry: &Entry) {
        let mut entry = entry.clone();
        let mut entries = self.shared.entries.lock().expect("no panic");
        let old = entries.get(&self.bytes(key)).cloned();
        match (self.fault, &old) {
            (F::LosesPuts, _) => return,
            (F::DropsEmptyValues, _) if entry.value.is_empty() => return,
            (F::KeepsTheOldMetadata, Some(old)) => {
                (entry.due, entry.attention) = (old.entry.due, old.entry.attention);
            }
            (F::MakesItsOwnVersion, _) => entry.version = Version::random(),
            (F::KeepsText, _) => {
                entry.value = String::from_utf8_lossy(&entry.value).into_owned().into();
            }
            (F::KeepsShortValues, _) => entry.value.truncate(65_535),
            (F::KeepsSeconds, _) => {
                let whole = |time| UNIX_EPOCH + Duration::from_secs(unix_millis(time) / 1_000);
                entry = entry
                    .clone()
                    .with_due(entry.due.map(whole))
                    .with_keep_until(entry.keep_until.map(whole));
            }
            _ => {}
        }
        let version = entry.version;
        let first_keep_until = old.map_or(entry.keep_until, |old| old.first_keep_until);
        entries.insert(
            self.bytes(key),
            Kept {
                key: key.clone(),
                entry,
                first_keep_until,
            },
        );
        self.announce(Change::new(key.clone(), version));
    }

    fn remove(&self, key: &Key) {
        self.shared
            .entries
            .lock()
            .expect("no panic")
            .remove(&self.bytes(key));
        self.shared.gone.lock().expect("no panic").push(key.clone());
        if self.fault != F::WatchMissesDeletes {
            self.announce(Change::new(key.clone(), None));
        }
    }

    fn announce(&self, change: Change) {
        // Without watchers there is no one to tell.
        let _ = self.shared.changes.send((self.number, change));
    }

    /// Makes a write over the connection, which may be cut.
    async fn over_the_link(
        &self,
        write: impl Future<Output = Result<Outcome, StoreError>>,
    ) -> Result<Outcome, StoreError> {
        let cut = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        match self.link.meet() {
            None => write.await,
            Some(Cut::BeforeAnswer) => {
                let outcome = write.await;
                match self.fault {
                    F::ReportsLostAnswersAsUnavailable => Err(StoreError::unavailable(cut())),
                    _ => outcome.and(Err(StoreError::ambiguous(cut()))),
                }
            }
            Some(Cut::Unreachable) if self.fault != F::ReportsUnreachableAsAmbiguous => {
                Err(StoreError::unavailable(cut()))
            }
            Some(_) => match self.fault {
                F::ReportsLostAnswersAsApplied => Ok(Outcome::Applied),
                F::LosesItsConnectionForever => Err(StoreError::other(cut())),
                _ => Err(StoreError::ambiguous(cut())),
            },
        }
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
        match self.fault {
            F::ListsRemovedKeys => {
                keys.extend(self.shared.gone.lock().expect("no panic").iter().cloned());
            }
            F::ListsTwice => keys.extend(keys.clone()),
            _ => {}
        }
        keys
    }

    async fn try_put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let past = entry
            .keep_until
            .is_some_and(|time| time <= self.shared.clock.now());
        if self.fault == F::RefusesThePast && past {
            return Err(StoreError::other("invalid expire time"));
        }
        let there = self.there(key);
        let forgotten = there.is_none()
            && self
                .shared
                .entries
                .lock()
                .expect("no panic")
                .contains_key(&self.bytes(key));
        let agrees = there.as_ref().map(|there| there.version) == expected;
        let repeated = there
            .as_ref()
            .is_some_and(|there| there.version == entry.version);
        match self.fault {
            F::CheckThenAct => yield_now().await,
            F::RefusesAfterKeepUntil if forgotten => return Ok(Outcome::Conflict(None)),
            F::TakesARepeatedPutForApplied if repeated => return Ok(Outcome::Applied),
            _ => {}
        }
        let applies = match self.fault {
            F::AppliesConflictingPuts => true,
            F::PutsOverNothing => agrees || there.is_none(),
            _ => agrees,
        };
        if !applies {
            if self.fault == F::WatchTellsOfConflicts {
                self.announce(Change::new(key.clone(), entry.version));
            }
            return Ok(Outcome::Conflict(
                there.filter(|_| self.fault != F::ConflictsWithNothing),
            ));
        }
        if self.fault == F::WritesInTwoSteps {
            let half = entry.value.slice(..entry.value.len() / 2);
            self.write(key, &Entry::new(entry.version, half));
            yield_now().await;
        }
        self.write(key, entry);
        Ok(Outcome::Applied)
    }

    async fn try_delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let there = self.there(key);
        if self.fault == F::CheckThenAct {
            yield_now().await;
        }
        let applies = match (self.fault, &there) {
            (F::DeleteOfNothingApplies, None) => true,
            (F::DeletesAnyVersion, there) => there.is_some(),
            (_, there) => there
                .as_ref()
                .is_some_and(|there| there.version == expected),
        };
        if !applies {
            return Ok(Outcome::Conflict(there));
        }
        if let (F::DeletesInTwoSteps, Some(there)) = (self.fault, &there) {
            self.write(key, &Entry::new(there.version, ""));
            yield_now().await;
        }
        if self.fault != F::DeleteDoesNothing {
            self.remove(key);
        }
        Ok(Outcome::Applied)
    }
}

#[async_trait]
impl TokenStore for Broken {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.there(key))
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.over_the_link(self.try_put(key, entry, expected)).await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        self.over_the_link(self.try_delete(key, expected)).await
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if self.fault == F::ListsNothingInsteadOfAnError {
            return Err(StoreError::other("not implemented"));
        }
        let limit = if self.fault == F::ListsTooMany {
            limit + 1
        } else {
            limit
        };
        let keys = self.listed(filter);
        if matches!(self.fault, F::ListsByOffset | F::ListsTwice) {
            let from = cursor
                .and_then(|cursor| str::from_utf8(cursor.as_bytes()).ok()?.parse().ok())
                .unwrap_or(0);
            let next = (from + limit < keys.len()).then(|| Cursor::new((from + limit).to_string()));
            let keys = keys.into_iter().skip(from).take(limit).collect();
            return Ok(Page::new(keys, next));
        }
        let last = cursor.map(|cursor| cursor.as_bytes().to_vec());
        let mut keys: Vec<Key> = keys
            .into_iter()
            .filter(|key| Some(key.to_bytes()) > last)
            .collect();
        keys.sort_by_key(Key::to_bytes);
        keys.truncate(limit);
        let next = keys
            .last()
            .filter(|_| keys.len() == limit)
            .map(|key| Cursor::new(key.to_bytes()));
        Ok(Page::new(keys, next))
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let changes = self.shared.changes.subscribe();
        let (fault, number) = (self.fault, self.number);
        let kept = (fault == F::WatchKeepsTheStore).then(|| self.shared.clone());
        let is_first = self.shared.changes.receiver_count() == 1;
        let silent = fault == F::WatchIsSilent || (fault == F::WatchIsForOne && !is_first);
        Some(Box::pin(futures_util::stream::unfold(
            changes,
            move |mut changes| {
                let _ = &kept;
                async move {
                    loop {
                        match changes.recv().await {
                            _ if silent => std::future::pending().await,
                            Ok((writer, _)) if fault == F::WatchIsLocal && writer != number => {}
                            Ok((_, mut change)) => {
                                if fault == F::WatchTellsOtherVersions {
                                    change.version = Some(Version::random());
                                }
                                return Some((change, changes));
                            }
                            Err(RecvError::Lagged(_)) if fault != F::WatchEndsWhenSlow => {}
                            Err(_) => return None,
                        }
                    }
                }
            },
        )))
    }
}
