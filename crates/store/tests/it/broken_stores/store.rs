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

use super::claims::Claim;
use super::fault::Fault;
use super::fault::Fault as F;
use super::link::Link;

/// A handle on the entries of a broken store.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) fault: Fault,
    /// Which handle this is: the store's or its peer's.
    pub(super) number: u8,
    pub(super) shared: Arc<Shared>,
    link: Arc<Link>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: ManualClock,
    pub(super) entries: Mutex<BTreeMap<Vec<u8>, Kept>>,
    pub(super) claims: Mutex<BTreeMap<Vec<u8>, Claim>>,
    /// Keys of removed entries.
    pub(super) gone: Mutex<Vec<Key>>,
    /// Changes, each with the number of the handle that made it.
    changes: tokio::sync::broadcast::Sender<(u8, Change)>,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) key: Key,
    pub(super) entry: Entry,
    first_keep_until: Option<SystemTime>,
}

pub(super) fn broken(fault: Fault) -> Subject {
    let clock = ManualClock::new();
    let shared = Arc::new(Shared {
        clock: clock.clone(),
        entries: Mutex::default(),
        claims: Mutex::default(),
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
        .must_list_by_due_time()
        .must_claim()
        .must_watch()
        .must_expire()
}

impl Broken {
    pub(super) fn bytes(&self, key: &Key) -> Vec<u8> {
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

    pub(super) fn there(&self, key: &Key) -> Option<Entry> {
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
        self.end_claim(key);
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
        self.end_claim(key);
        self.shared.gone.lock().expect("no panic").push(key.clone());
        if self.fault != F::WatchMissesDeletes {
            self.announce(Change::new(key.clone(), None));
        }
    }

    pub(super) fn announce(&self, change: Change) {
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
            if self.fault == F::ConflictsEndClaims {
                self.end_claim(key);
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
        self.page(filter, cursor.as_ref(), limit)
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.claim_due(keys, now, lasting).await
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
                            Err(RecvError::Lagged(_)) if fault == F::WatchSkipsWhenSlow => {}
                            Err(_) => return None,
                        }
                    }
                }
            },
        )))
    }
}
