//! Every rule of the suite finds a store that breaks it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokenkeeper_store::conformance::{self as rules, ManualClock, Subject, Violation};
use tokenkeeper_store::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
    unix_millis,
};
use tokio::task::yield_now;

/// What a [`Broken`] store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing; shows that it is the fault that a rule finds.
    None,
    /// Looks first and writes later.
    CheckThenAct,
    LosesPuts,
    AppliesConflictingPuts,
    ConflictsWithNothing,
    PutsOverNothing,
    DeletesAnyVersion,
    DeleteDoesNothing,
    DeleteOfNothingApplies,
    KeepsTheOldMetadata,
    MakesItsOwnVersion,
    TakesARepeatedPutForApplied,
    WritesInTwoSteps,
    DeletesInTwoSteps,
    ForgetsEarly,
    ForgetsByTheFirstKeepUntil,
    RefusesAfterKeepUntil,
    RefusesThePast,
    JoinsKeysWithColons,
    IgnoresTheClientId,
    LowersCase,
    CutsKeys,
    DropsEmptyValues,
    KeepsText,
    KeepsShortValues,
    KeepsSeconds,
    ListsByOffset,
    ListsTwice,
    ListsTooMany,
    ListsDueInclusive,
    ListsDueBySecond,
    ListsAllForAttention,
    ListsWhatIsGone,
    ListsNothingInsteadOfAnError,
    WatchIsSilent,
    WatchTellsOtherVersions,
}
use Fault as F;

#[derive(Debug)]
struct Broken {
    fault: Fault,
    clock: ManualClock,
    entries: Mutex<BTreeMap<Vec<u8>, Kept>>,
    /// Keys of former entries.
    gone: Mutex<Vec<Key>>,
    changes: tokio::sync::broadcast::Sender<Key>,
}

#[derive(Clone, Debug)]
struct Kept {
    key: Key,
    entry: Entry,
    first_keep_until: Option<std::time::SystemTime>,
}

fn broken(fault: Fault) -> Subject {
    let clock = ManualClock::new();
    let store = Broken {
        fault,
        clock: clock.clone(),
        entries: Mutex::default(),
        gone: Mutex::default(),
        changes: tokio::sync::broadcast::Sender::new(16),
    };
    Subject::new(store).with_clock(clock)
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
        let entries = self.entries.lock().expect("no panic");
        let kept = entries.get(&self.bytes(key))?;
        let hour = Duration::from_secs(3_600);
        let until = match self.fault {
            F::ForgetsEarly => kept.entry.keep_until.map(|time| time - hour),
            F::ForgetsByTheFirstKeepUntil => kept.first_keep_until,
            _ => kept.entry.keep_until,
        };
        until
            .is_none_or(|until| until > self.clock.now())
            .then(|| kept.entry.clone())
    }

    fn write(&self, key: &Key, entry: &Entry) {
        let mut entry = entry.clone();
        let mut entries = self.entries.lock().expect("no panic");
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
                let whole =
                    |time| std::time::UNIX_EPOCH + Duration::from_secs(unix_millis(time) / 1_000);
                entry = entry
                    .clone()
                    .with_due(entry.due.map(whole))
                    .with_keep_until(entry.keep_until.map(whole));
            }
            _ => {}
        }
        let first_keep_until = old.map_or(entry.keep_until, |old| old.first_keep_until);
        entries.insert(
            self.bytes(key),
            Kept {
                key: key.clone(),
                entry,
                first_keep_until,
            },
        );
        let _ = self.changes.send(key.clone());
    }

    fn remove(&self, key: &Key) {
        self.entries
            .lock()
            .expect("no panic")
            .remove(&self.bytes(key));
        self.gone.lock().expect("no panic").push(key.clone());
    }

    fn listed(&self, filter: Filter) -> Vec<Key> {
        let entries = self.entries.lock().expect("no panic");
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
        let mut keys: Vec<Key> = entries
            .values()
            .filter(|kept| accepts(&kept.entry))
            .map(|kept| kept.key.clone())
            .collect();
        match self.fault {
            F::ListsWhatIsGone => keys.extend(self.gone.lock().expect("no panic").iter().cloned()),
            F::ListsTwice => keys.extend(keys.clone()),
            _ => {}
        }
        keys
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
        let past = entry
            .keep_until
            .is_some_and(|time| time <= self.clock.now());
        if self.fault == F::RefusesThePast && past {
            return Err(StoreError::other("invalid expire time"));
        }
        let there = self.there(key);
        let forgotten = there.is_none()
            && self
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

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
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
            return Ok(Page {
                keys: keys.into_iter().skip(from).take(limit).collect(),
                next,
            });
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
        Ok(Page { keys, next })
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        let changes = self.changes.subscribe();
        let silent = self.fault == F::WatchIsSilent;
        let version = (self.fault == F::WatchTellsOtherVersions).then(Version::random);
        Some(Box::pin(futures_util::stream::unfold(
            changes,
            move |mut changes| async move {
                if silent {
                    std::future::pending::<()>().await;
                }
                let key = changes.recv().await.ok()?;
                Some((Change::new(key, version), changes))
            },
        )))
    }
}

/// One test per rule and fault: the rule holds without the fault, and is violated with it.
macro_rules! finds {
    ($($test:ident: $rule:ident finds $($fault:ident),+;)+) => {
        $(
            // One thread and a paused clock: what is found is found each time, at once.
            #[tokio::test(start_paused = true)]
            async fn $test() {
                rules::$rule(&broken(F::None)).await.unwrap();
                $(
                    let found: Result<(), Violation> = rules::$rule(&broken(F::$fault)).await;
                    assert!(found.is_err(), "{:?} was not found", F::$fault);
                )+
            }
        )+
    };
}

finds! {
    a_naive_check_then_act_store_fails_the_race_of_first_puts: of_64_racing_first_puts_one_applies finds CheckThenAct;
    a_naive_check_then_act_store_fails_the_race_over_a_version: of_64_racing_puts_over_a_version_one_applies finds CheckThenAct;
    a_naive_check_then_act_store_fails_the_race_of_deletes: of_64_racing_deletes_one_applies finds CheckThenAct;
    put_if_absent: put_if_absent finds LosesPuts, MakesItsOwnVersion;
    put_if_absent_returns: put_if_absent_returns_what_is_there finds AppliesConflictingPuts, ConflictsWithNothing;
    put_over: put_over_the_expected_version finds LosesPuts, KeepsTheOldMetadata;
    put_stale: put_at_another_version_returns_what_is_there finds AppliesConflictingPuts, ConflictsWithNothing;
    put_missing: put_at_a_version_where_nothing_is_conflicts_with_none finds PutsOverNothing, AppliesConflictingPuts;
    delete: delete_at_its_version_removes finds DeleteDoesNothing, PutsOverNothing;
    delete_stale: delete_at_another_version_changes_nothing finds DeletesAnyVersion;
    delete_missing: delete_of_nothing_conflicts_with_none finds DeleteOfNothingApplies;
    ambiguous_found: ambiguous_put_is_found_by_its_version finds MakesItsOwnVersion, LosesPuts;
    ambiguous_repeated: ambiguous_put_can_be_repeated finds TakesARepeatedPutForApplied, MakesItsOwnVersion;
    cancelled_put: cancelled_put_is_the_old_or_the_new finds WritesInTwoSteps;
    cancelled_delete: cancelled_delete_is_done_or_not finds DeletesInTwoSteps;
    kept: kept_until_keep_until finds ForgetsEarly, RefusesAfterKeepUntil;
    kept_longer: keep_until_is_replaced_by_the_next_put finds ForgetsByTheFirstKeepUntil;
    kept_no_more: keep_until_in_the_past_is_no_error finds RefusesThePast;
    joined_keys: keys_are_not_joined_text finds JoinsKeysWithColons;
    fields_of_keys: every_field_of_a_key_counts finds IgnoresTheClientId;
    unusual_keys: unusual_keys_are_kept_apart finds LowersCase, CutsKeys;
    empty_value: empty_value_comes_back finds DropsEmptyValues;
    binary_value: binary_value_comes_back finds KeepsText;
    large_value: value_of_one_mebibyte_comes_back finds KeepsShortValues;
    metadata: metadata_comes_back finds KeepsSeconds;
    listing_under_writes: listing_sees_each_key_once_under_writes finds ListsByOffset, ListsTwice, ListsTooMany;
    listing_due: listing_returns_what_is_due finds ListsDueInclusive, ListsDueBySecond;
    listing_attention: listing_returns_what_needs_attention finds ListsAllForAttention;
    listing_follows: listing_follows_the_writes finds ListsWhatIsGone;
    listing_unsupported: listing_unsupported_is_a_typed_error finds ListsNothingInsteadOfAnError;
    watching: a_watcher_is_told_of_a_change finds WatchIsSilent, WatchTellsOtherVersions;
}
